"""Whoever can make images, by name: in this process, and behind HTTP."""

from generations.providers.base import Provider
from generations.providers.sandbox import Sandbox
from generations.providers.wire import Adapter

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Sandbox(),)}
ADAPTERS: dict[str, Adapter] = {}
