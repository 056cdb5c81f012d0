"""The upstreams we can speak to, by name: those in the worker's own process, and those reached by HTTP."""

from generations.providers.base import Provider
from generations.providers.dashscope import DashScope
from generations.providers.fal import Fal
from generations.providers.local import Local
from generations.providers.openai_compatible import OpenAICompatible
from generations.providers.portal import Portal
from generations.providers.replicate import Replicate
from generations.providers.sandbox import Sandbox
from generations.providers.wavespeed import WaveSpeed
from generations.providers.wire import Adapter

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Sandbox(),)}
ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (Portal(), Fal(), Replicate(), DashScope(), WaveSpeed(), OpenAICompatible())
}
# What an operator can set up as an upstream: those, and an own GPU.
UPSTREAMS: dict[str, Adapter] = {**ADAPTERS, Local.name: Local()}
