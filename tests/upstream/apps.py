from django.apps import AppConfig


class UpstreamConfig(AppConfig):
    """In the processes of a shop under test: its orders go to the stand-in upstream, over HTTP."""

    name = "tests.upstream"

    def ready(self) -> None:
        from generations.providers import PROVIDERS
        from tests.upstream.provider import StandIn

        PROVIDERS["sandbox"] = StandIn()
