import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from generations.providers import PROVIDERS
from generations.providers.base import AfterCrash, Job, Outcome, OutcomeKind
from generations.providers.sandbox import draw, steered_word
from tests import scale


@pytest.fixture(autouse=True)
def instant(settings: Settings) -> None:
    settings.SANDBOX_SECONDS = 0


def job(
    prompt: str = "a fox", width: int = 256, height: int = 256, output_format: str = "jpeg", n: int = 1
) -> Job:
    return Job("task_1", "task_1:1", prompt, width, height, 7, output_format, n)


def run(job: Job, on_progress: Callable[[int], bool] = lambda percent: True) -> Outcome:
    return PROVIDERS["sandbox"].generate(job, on_progress)


class Watcher:
    """Notes every progress report, and says stop at the report of `stop_at` percent or more."""

    def __init__(self, stop_at: int = 101) -> None:
        self.stop_at, self.seen = stop_at, list[int]()

    def __call__(self, percent: int) -> bool:
        self.seen.append(percent)
        return percent < self.stop_at


def test_lost_attempt_may_be_sent_again_and_running_one_stopped() -> None:
    assert PROVIDERS["sandbox"].after_crash is AfterCrash.RESEND
    assert PROVIDERS["sandbox"].can_stop


def test_every_provider_is_registered_under_its_own_name() -> None:
    assert all(provider.name == name for name, provider in PROVIDERS.items())


def test_images_are_drawn_at_no_cost() -> None:
    outcome = run(job(n=3))
    assert outcome.kind is OutcomeKind.OK
    assert outcome.images == tuple(draw(job(), index) for index in range(3))
    assert outcome.cost_micros == 0


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("sandbox:content_rejected", OutcomeKind.REJECTED),
        ("sandbox:failed", OutcomeKind.FAILED),
        ("sandbox:timeout", OutcomeKind.TIMEOUT),
    ],
)
@pytest.mark.parametrize("prompt", ["{}", "a fox {}", "{} a fox", "a\n{}\tfox"])
def test_magic_word_anywhere_in_the_prompt_ends_without_image(
    token: str, kind: OutcomeKind, prompt: str
) -> None:
    outcome = run(job(prompt.format(token)))
    assert (outcome.kind, outcome.images) == (kind, ())


@pytest.mark.parametrize("prompt", ["sandbox:402", "sandbox:429", "sandbox:unheard_of", "xsandbox:failed"])
def test_words_for_others_are_drawn(prompt: str) -> None:
    assert run(job(prompt)).kind is OutcomeKind.OK


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("sandbox:402", "402"),
        ("a sandbox:429 fox", "429"),
        ("sandbox:failed sandbox:402", "failed"),
        ("sandbox:slow=5", "slow=5"),
        ("sandbox:slow=0.5", "slow=0.5"),
        ("sandbox:content_rejected", "content_rejected"),
        ("中文\u3000sandbox:timeout", "timeout"),
        ("sandbox:nonsense sandbox:402", "402"),
        ("a fox", None),
        ("", None),
        ("sandbox:4020", None),
        ("sandbox:402.", None),
        ("(sandbox:402)", None),
        ("Sandbox:402", None),
        ("sandbox: 402", None),
        ("sandbox:slow=", None),
        ("sandbox:slow=-1", None),
        ("sandbox:slow=nan", None),
        ("sandbox:slow=1e9", None),
        ("sandbox:slow=٥", None),
        ("sandbox:slow=99999999999999999999", None),
    ],
)
def test_steering_takes_whole_known_tokens_only(prompt: str, word: str | None) -> None:
    assert steered_word(prompt) == word


def test_progress_climbs_from_nothing_to_all(settings: Settings) -> None:
    settings.SANDBOX_SECONDS = 0.05
    watcher = Watcher()
    started = time.monotonic()
    assert run(job(), watcher).kind is OutcomeKind.OK
    assert time.monotonic() - started >= 0.05
    assert watcher.seen == [0, 12, 25, 37, 50, 62, 75, 87, 100]


def test_slow_word_replaces_the_usual_time(settings: Settings) -> None:
    settings.SANDBOX_SECONDS = 600
    settings.CALL_TOTAL_S = 700
    watcher = Watcher()
    started = time.monotonic()
    assert run(job("sandbox:slow=0.1"), watcher).kind is OutcomeKind.OK
    seconds = time.monotonic() - started
    assert seconds >= 0.1
    assert len(watcher.seen) == 9  # 600 s would have been 1,200 steps
    scale.record("sandbox:slow=0.1 instead of 600 s", round(seconds, 2), "s", limit=60)


def test_slow_word_cannot_outlast_the_call(settings: Settings) -> None:
    settings.CALL_TOTAL_S = 0.5
    watcher = Watcher()
    assert run(job("sandbox:slow=9999"), watcher).kind is OutcomeKind.OK
    assert len(watcher.seen) == 9


@pytest.mark.parametrize("stop_at", [0, 50, 100])
def test_work_stops_at_once_when_the_task_is_no_longer_ours(settings: Settings, stop_at: int) -> None:
    settings.SANDBOX_SECONDS = 0.05
    watcher = Watcher(stop_at)
    outcome = run(job(), watcher)
    assert (outcome.kind, outcome.images) == (OutcomeKind.CANCELED, ())
    assert watcher.seen[-1] == stop_at


def test_long_work_asks_at_least_twice_a_second_whether_to_stop(settings: Settings) -> None:
    settings.SANDBOX_SECONDS = 30
    watcher = Watcher(stop_at=1)
    run(job(), watcher)
    assert watcher.seen == [0, 1]


@pytest.mark.parametrize("wrong", [job(width=255), job(height=1537), job(output_format="gif")])
def test_parameters_it_cannot_draw_are_invalid_and_raise_nothing(wrong: Job) -> None:
    assert run(wrong).kind is OutcomeKind.INVALID
