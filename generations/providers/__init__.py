"""The upstreams we can speak to, by name."""

from generations.providers.base import Provider
from generations.providers.sandbox import Sandbox

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Sandbox(),)}
