"""The version of the API: the one that the library speaks."""

from functools import cache
from importlib import import_module


@cache
def api_version() -> str:
    version: str = import_module("stripe").api_version
    return version
