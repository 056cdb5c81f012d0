"""Success from every upstream, fail-over between them, and orders that are canceled while one works on them."""

from collections.abc import Callable

import pytest

from generations import ordering
from generations.models import Image, PaidCancels, UpstreamState
from tests.faults.books import assert_books_are_right
from tests.faults.upstreams.conftest import COST_MICROS, CREDITS, Case, attempts_of, task
from tests.makers import age, settlements_of, wallet_of
from tests.shop import RunningShop
from tests.upstreams.running import Up
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")
FORMATS = ("portal", "fal", "replicate", "dashscope", "wavespeed", "openai_compatible")
PROMPT = '  Ein "Leuchtturm" 灯塔 \\ \n & 50% <b>  '


def ended(task_id: str, timeout_s: float = 30) -> str:
    wait_until(lambda: task(task_id).has_ended, "it to end", timeout_s)
    return task(task_id).status


def outcomes(task_id: str) -> list[str]:
    return [attempt.outcome for attempt in attempts_of(task_id)]


@pytest.mark.parametrize("name", FORMATS)
def test_the_image_arrives_in_the_format_that_was_ordered(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case], name: str
) -> None:
    case = a_case()
    upstream = case.upstream(ups[name])
    tasks = {
        form: case.order(f"{PROMPT}{form}", "512*512", output_format=form) for form in ("jpeg", "png", "webp")
    }
    for form, task_id in tasks.items():
        assert ended(task_id) == "succeeded"
        generation = task(task_id)
        [image] = Image.objects.filter(generation=generation)
        assert (image.content_type, image.width, image.height) == (f"image/{form}", 512, 512)
        address = str(case.status(task_id)["response"])
        assert case.ask("HEAD", "/i/" + address.partition("/i/")[2].removesuffix("']"))[0] == 200
        [attempt] = attempts_of(task_id)
        assert (attempt.outcome, attempt.cost_micros, attempt.upstream_id) == ("ok", COST_MICROS, upstream.pk)
        assert attempt.finished_at is not None
        sent = [asked["body"] for asked in ups[name].log() if generation.prompt in _texts(asked["body"])]
        assert len(sent) == 1, "Prompts go out unchanged, and once"
        assert generation.seed in _numbers(sent), "The seed is drawn here"
    assert wallet_of(case.organization)[:2] == (CREDITS - 45, 0)


def _texts(found: object) -> list[str]:
    if isinstance(found, dict):
        return [text for value in found.values() for text in _texts(value)]
    if isinstance(found, list):
        return [text for value in found for text in _texts(value)]
    return [found] if isinstance(found, str) else []


def _numbers(found: object) -> list[int]:
    if isinstance(found, dict):
        return [number for value in found.values() for number in _numbers(value)]
    if isinstance(found, list):
        return [number for value in found for number in _numbers(value)]
    return [int(found)] if isinstance(found, int | str) and str(found).isdecimal() else []


def test_our_account_refused_is_another_upstream_s_chance_and_never_the_customer_s_news(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    for status, word in ((401, "account"), (402, "funds"), (403, "account")):
        case = a_case()
        refusing = case.upstream(ups["replicate"], priority=1)
        case.upstream(ups["portal"], priority=2)
        task_id = case.order(f"a lighthouse up:{status}")
        assert ended(task_id) == "failed", "The portal's stand-in was told the same"
        assert outcomes(task_id) == [word, word]
        assert case.status(task_id)["error_message"] == "upstream_unavailable: please retry later"
        assert UpstreamState.objects.get(pk=refusing.pk).reason == word
        assert settlements_of(task(task_id)) == ["release"]


def test_what_one_cannot_another_can(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    case = a_case()
    broken = case.upstream(ups["wavespeed"], priority=1, credential="not ours")
    case.upstream(ups["portal"], priority=2)
    task_id = case.order("a lighthouse")
    assert ended(task_id) == "succeeded"
    assert outcomes(task_id) == ["account", "ok"]
    assert UpstreamState.objects.get(pk=broken.pk).reason == "account"
    again = case.order("another lighthouse")
    assert ended(again) == "succeeded"
    assert outcomes(again) == ["ok"], "Its circuit is open"


def test_a_failure_is_tried_once_elsewhere_and_a_refusal_never(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    case = a_case()
    case.upstream(ups["replicate"], priority=1)
    case.upstream(ups["openai_compatible"], priority=2)
    failed, refused = case.order("a lighthouse up:failed"), case.order("a lighthouse up:nsfw")
    assert (ended(failed), outcomes(failed)) == ("succeeded", ["failed", "ok"])
    assert (ended(refused), outcomes(refused)) == ("failed", ["rejected"])
    assert str(case.status(refused)["error_message"]).startswith("content_rejected")


def test_a_busy_one_is_waited_for_and_then_left(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    case = a_case()
    case.upstream(ups["portal"], priority=1)
    case.upstream(ups["openai_compatible"], priority=2)
    task_id = case.order("a lighthouse up:429=1 up:noway")
    wait_until(lambda: len([*filter(None, outcomes(task_id))]) >= 3, "three tries to end")
    assert outcomes(task_id)[:3] == ["limited", "busy", "limited"]
    assert [attempt.provider for attempt in attempts_of(task_id)][:3] == [
        "portal",
        "openai_compatible",
        "portal",
    ]
    age(task(task_id), deadline_at=1)  # it would be tried as long as it may
    assert ended(task_id) in ("failed", "succeeded")


def test_canceled_ones_are_free_told_to_stop_and_booked(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    stopped, unstoppable = a_case(), a_case()
    stopped.upstream(ups["replicate"])
    unstoppable.upstream(ups["portal"])
    tasks = [stopped.order("a lighthouse up:late=60 up:queued"), unstoppable.order("a lighthouse up:late=3")]
    wait_until(lambda: all(is_accepted(task_id) for task_id in tasks), "both to be accepted")
    for case, task_id in zip((stopped, unstoppable), tasks, strict=True):
        ordering.cancel(task(task_id))
        assert wallet_of(case.organization)[:2] == (CREDITS, 0), "At once"
    wait_until(lambda: outcomes(tasks[0]) == ["canceled"], "the upstream to have stopped", 30)
    wait_until(lambda: outcomes(tasks[1]) == ["canceled_cost"], "the upstream to be done", 30)
    assert [attempts_of(task_id)[0].cost_micros for task_id in tasks] == [0, COST_MICROS]
    assert not Image.objects.filter(generation__task_id__in=tasks).exists()
    assert [shop.files_of(task_id) for task_id in tasks] == [[], []]
    assert PaidCancels.objects.get(organization=unstoppable.organization).count == 1
    assert_books_are_right()


def is_accepted(task_id: str) -> bool:
    return any(attempt.accepted_at for attempt in attempts_of(task_id))
