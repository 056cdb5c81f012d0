"""The production shop with the stand-in upstream, and one trivial view beside the product's own."""

from tests.upstream.settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "benchmarks.urls"
