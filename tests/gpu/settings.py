"""The product's settings with a model that fails when its prompt and a file say so."""

from config.settings import *  # noqa: F403 - all of them
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.gpu"]
