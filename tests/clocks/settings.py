"""The product's settings on a machine whose clock jumps: `DJANGO_SETTINGS_MODULE` of a shop under test."""

from config.settings import *  # noqa: F403 - all of them
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.clocks"]
