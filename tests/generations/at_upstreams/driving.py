"""Orders at upstreams, driven in this process."""

from dataclasses import replace

from accounts.access import Access
from generations import ordering, poller, runner
from generations.models import Attempt, Generation, Upstream
from tests.makers import (
    a_request,
    an_upstream,
    status_of,
)
from tests.upstreams.running import Up
from tests.waiting import wait_until

COST_MICROS = 5000
FORMATS = ("portal", "fal", "replicate", "openai_compatible")


def open_attempts() -> int:
    poller.wake()
    return Attempt.objects.filter(outcome="", upstream__isnull=False).count()


def at(up: Up, **fields: object) -> Upstream:
    usual: dict[str, object] = {
        "base_url": up.base_url,
        "credential": up.credential,
        "webhook_secret": up.webhook_secret,
        "model_names": {"z-image-turbo": up.model},
        "cost_micros": COST_MICROS,
        "polls_per_second": 1000,
    }
    return an_upstream(up.name, **{**usual, **fields})


def order(access: Access, prompt: str = "a lighthouse", *, n: int = 1, seed: int = -1) -> Generation:
    request = replace(a_request(prompt, size="256*256", seed=seed), n=n)
    return ordering.order(access, request, endpoint="test")


def ended(generation: Generation) -> tuple[str, str]:
    """After it was rung for, and asked about for as long as it takes."""
    runner.run(generation.pk)

    def has_ended() -> bool:
        poller.wake()
        return Generation.objects.get(pk=generation.pk).has_ended

    wait_until(has_ended, "it to end", timeout_s=60)
    return status_of(generation)


def outcomes(generation: Generation) -> list[tuple[str, int]]:
    rows = Attempt.objects.filter(generation=generation).order_by("number")
    return list(rows.values_list("outcome", "cost_micros"))
