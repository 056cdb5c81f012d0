"""Whatever an upstream says instead of an image: the credit comes back, the record says why, nothing is kept."""

from collections.abc import Callable

import pytest

from generations.models import UpstreamState
from tests.faults.books import assert_books_are_right
from tests.faults.upstreams.conftest import CREDITS, Case, attempts_of, task
from tests.makers import settlements_of, wallet_of
from tests.shop import RunningShop
from tests.upstreams.running import Up
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")
METADATA = "http://169.254.169.254/latest/meta-data/image.png"
INSIDE = "https://10.0.0.1/image.png"
# What the prompt makes the stand-in do -> the attempt's outcomes that providers.md allows for it.
SUBMITTED = {
    "up:html": {"busy", "failed"},
    "up:empty": {"busy", "failed"},
    "up:notjson": {"busy", "failed"},
    "up:drop": {"busy", "orphan", ""},
    "up:hang": {"timeout", "orphan", ""},
    "up:drip": {"timeout", "orphan", ""},
    "up:endless": {"failed", "timeout", "orphan", "", "busy"},
}
DELIVERED = {
    "up:wrongtype=html": "unusable image",
    "up:wrongtype=svg": "unusable image",
    "up:wrongtype=text": "unusable image",
    "up:huge": "unusable image",
    f"up:inside={METADATA}": "",
    f"up:inside={INSIDE}": "",
    f"up:redirect={METADATA}": "",
    f"up:redirect={INSIDE}": "",
    "up:html up:at=image": "unusable image",
    "up:empty up:at=image": "unusable image",
    "up:endless up:at=image": "",
    "up:drip up:at=image": "",
    "up:404 up:at=image": "",
}
FORMATS = ("portal", "fal", "replicate", "dashscope", "wavespeed", "openai_compatible")


@pytest.fixture(scope="module")
def ended(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> dict[tuple[str, str], tuple[Case, str]]:
    """One order for each format and each kind of nonsense, all at once, once every one of them has ended."""
    orders = {}
    for name in FORMATS:
        # Else this one answers with the image itself.
        by_address = "up:url " if name == "openai_compatible" else ""
        for word in (*SUBMITTED, *DELIVERED):
            case = a_case()
            case.upstream(ups[name])
            orders[name, word] = case, case.order(f"a lighthouse {by_address}{word}", "512*512")
    wait_until(lambda: all(task(task_id).has_ended for _, task_id in orders.values()), "all to end", 90)
    return orders


def test_nobody_pays_and_nothing_is_kept(
    shop: RunningShop, ended: dict[tuple[str, str], tuple[Case, str]]
) -> None:
    for what, (case, task_id) in ended.items():
        generation = task(task_id)
        assert (what, generation.status) == (what, "failed")
        assert settlements_of(generation) == ["release"], what
        assert wallet_of(case.organization)[:3] == (CREDITS, 0, 0), what
        assert shop.files_of(task_id) == [], what
        seen = case.status(task_id)
        assert (seen["response"], seen["consumed_credits"]) == ([], 0), what
        assert "HTTP" not in str(seen["error_message"]), "What an upstream said is not for customers"


def test_the_record_says_what_came_instead(ended: dict[tuple[str, str], tuple[Case, str]]) -> None:
    for (name, word), (_case, task_id) in ended.items():
        attempts = attempts_of(task_id)
        assert attempts, (name, word)
        outcomes = {attempt.outcome for attempt in attempts}
        if word in SUBMITTED:
            assert outcomes <= SUBMITTED[word] | {"late"}, (name, word, outcomes)
        else:
            [attempt] = attempts
            if "drip" in word and attempt.outcome in ("", "orphan"):
                continue  # its order ended at the deadline while it was read, or while that was tried again
            assert attempt.outcome in ("failed", "late"), (name, word)
            assert DELIVERED[word] in attempt.detail, (name, word, attempt.detail)
            assert attempt.detail, (name, word)


def test_the_worker_is_not_stuck_and_the_books_are_right(
    shop: RunningShop,
    ups: dict[str, Up],
    a_case: Callable[[], Case],
    ended: dict[tuple[str, str], tuple[Case, str]],
) -> None:
    case = a_case()
    upstream = case.upstream(ups["portal"])
    task_id = case.order("a lighthouse")
    wait_until(lambda: task(task_id).has_ended, "an order after all that", timeout_s=30)
    assert task(task_id).status == "succeeded"
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == 0
    assert_books_are_right()
