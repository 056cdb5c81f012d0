import os

from django.apps import AppConfig


class UpstreamConfig(AppConfig):
    """In the processes of a shop under test: its orders go to the stand-in upstream, over HTTP.

    SHORT_PAUSES=1: what the product waits for seconds before it tries again, it waits for one or two.
    """

    name = "tests.upstream"

    def ready(self) -> None:
        from generations.providers import PROVIDERS
        from tests.upstream.provider import StandIn

        PROVIDERS["sandbox"] = StandIn()
        if os.environ.get("SHORT_PAUSES") == "1":
            _shorten_pauses()


def _shorten_pauses() -> None:
    from generations import doorbell, polling, runner, sweeps
    from generations.lifecycle import accepting

    doorbell.PAUSE_S = 1.0
    accepting.FIRST_RING_S = 1
    polling.HOLD_S = 3
    runner.BUSY_WAIT_S = 1
    sweeps.RING_AGAIN_S = (1, 2, 4, 8)
