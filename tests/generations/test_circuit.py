"""Places are counted and circuits kept for all workers together."""

import pytest
from django.db import connection
from django.db.models import F

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.models import OperatorAlert
from billing import audit
from generations import circuit, lifecycle
from generations.models import Attempt, Generation, Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from tests.makers import a_generation, age, an_access, an_organization, an_upstream, books_are_right

pytestmark = pytest.mark.django_db


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(10_000))


@pytest.fixture
def upstream(db: None) -> Upstream:
    return an_upstream(concurrency=3)


def begun(access: Access, upstream: Upstream) -> Attempt:
    attempt = lifecycle.begin(a_generation(access), upstream)
    assert attempt is not None
    return attempt


def end(attempt: Attempt, kind: str, detail: str = "") -> None:
    if kind == "busy":
        assert lifecycle.hand_back(attempt.generation, 0, attempt=attempt, outcome=kind, limited=False)
    else:
        assert lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome=kind, detail=detail)


def state_of(upstream: Upstream) -> UpstreamState:
    return UpstreamState.objects.get(pk=upstream.pk)


def seconds_open(upstream: Upstream) -> int:
    state = state_of(upstream)
    assert state.open_until is not None and state.opened_at is not None  # noqa: PT018
    return round((state.open_until - state.opened_at).total_seconds())


def let_pass(upstream: Upstream) -> None:
    """Until its circuit may be probed."""
    pause = F("open_until") - F("opened_at")
    UpstreamState.objects.filter(pk=upstream.pk).update(
        opened_at=F("opened_at") - pause, open_until=F("open_until") - pause
    )


# --- Places -------------------------------------------------------------------------------------


def test_it_gets_as_many_orders_at_once_as_it_has_places(access: Access, upstream: Upstream) -> None:
    attempts = [begun(access, upstream) for _ in range(3)]
    waiting = a_generation(access)
    with pytest.raises(lifecycle.NoPlace):
        lifecycle.begin(waiting, upstream)
    untouched = Generation.objects.get(pk=waiting.pk)
    assert (untouched.status, untouched.claim, untouched.attempts.count()) == ("queued", 0, 0)
    end(attempts[0], "failed")
    assert lifecycle.begin(waiting, upstream) is not None
    assert state_of(upstream).in_flight == 3
    assert books_are_right()


@pytest.mark.parametrize(
    "kind", ["busy", "account", "funds", "rejected", "invalid", "timeout", "failed", "orphan"]
)
def test_every_outcome_gives_its_place_back_once(access: Access, upstream: Upstream, kind: str) -> None:
    attempt = begun(access, upstream)
    end(attempt, kind)
    assert not lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome=kind)
    assert state_of(upstream).in_flight == 0
    assert books_are_right()


def test_an_attempt_keeps_its_place_while_the_upstream_may_be_at_work(
    access: Access, upstream: Upstream
) -> None:
    attempt = begun(access, upstream)
    lifecycle.cancel(attempt.generation)
    assert state_of(upstream).in_flight == 1
    assert lifecycle.orphan(attempt, "nobody said")
    assert not lifecycle.orphan(attempt, "nobody said")
    assert state_of(upstream).in_flight == 0


def test_a_lost_place_is_found_by_the_audit(upstream: Upstream) -> None:
    UpstreamState.objects.filter(pk=upstream.pk).update(in_flight=1)
    with connection.cursor() as cursor:
        [finding] = audit.check(cursor)
    assert (finding.rule, finding.row["upstream"]) == (
        "upstream_does_not_work_on_what_its_attempts_say",
        upstream.name,
    )


# --- Opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["busy", "failed", "timeout"])
def test_several_failures_in_a_row_open_it(access: Access, upstream: Upstream, kind: str) -> None:
    for _ in range(circuit.FAILURES_BEFORE_OPENING - 1):
        end(begun(access, upstream), kind)
    assert state_of(upstream).open_until is None
    end(begun(access, upstream), kind, "down")
    assert (state_of(upstream).reason, seconds_open(upstream)) == ("failing", 10)
    with pytest.raises(lifecycle.NoPlace):
        lifecycle.begin(a_generation(access), upstream)


def test_a_success_in_between_starts_the_count_anew(access: Access, upstream: Upstream) -> None:
    for _ in range(3):
        for _ in range(circuit.FAILURES_BEFORE_OPENING - 1):
            end(begun(access, upstream), "failed")
        end(begun(access, upstream), "rejected")  # it works: it just does not want this prompt
    assert state_of(upstream).failures == 0
    assert state_of(upstream).opened_at is None


def test_what_says_nothing_of_the_upstream_changes_nothing(access: Access, upstream: Upstream) -> None:
    for kind in ("invalid", "canceled", "late", "orphan") * 3:
        end(begun(access, upstream), kind)
    assert state_of(upstream).failures == 0


def test_our_account_refused_once_opens_it_at_once(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "account", "HTTP 402: no balance")
    state = state_of(upstream)
    assert (state.reason, state.detail) == ("account", "HTTP 402: no balance")
    alert = OperatorAlert.objects.get()
    assert upstream.name in alert.subject
    assert "HTTP 402: no balance" in alert.body
    assert seconds_open(upstream) == 60


def test_a_balance_that_is_used_up_opens_it_at_once_and_says_where_to_pay(access: Access) -> None:
    upstream = an_upstream("wavespeed")
    end(begun(access, upstream), "funds", "HTTP 402: Insufficient credits")
    assert (state_of(upstream).reason, seconds_open(upstream)) == ("funds", 60)
    alert = OperatorAlert.objects.get()
    assert alert.subject == f"Our balance with {upstream.name} is used up"
    assert "Top up at https://wavespeed.ai/top-up." in alert.body
    assert "HTTP 402: Insufficient credits" in alert.body


def test_a_probe_that_is_refused_for_another_reason_is_told_too(access: Access, upstream: Upstream) -> None:
    reasons = ["account", "funds", "funds", "account"]
    for reason in reasons:
        end(begun(access, upstream), reason)
        let_pass(upstream)
        assert state_of(upstream).reason == reason
    assert state_of(upstream).openings == len(reasons), "Its pauses grow all the while"
    assert OperatorAlert.objects.count() == 3


def test_why_it_refuses_us_is_kept_while_its_probes_only_fail(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "funds", "HTTP 402: no money")
    let_pass(upstream)
    end(begun(access, upstream), "failed", "HTTP 500: out of order")
    assert (state_of(upstream).reason, state_of(upstream).detail) == ("funds", "HTTP 402: no money")
    assert state_of(upstream).openings == 2
    let_pass(upstream)
    end(begun(access, upstream), "account", "HTTP 401: who are you?")
    assert (state_of(upstream).reason, state_of(upstream).detail) == ("account", "HTTP 401: who are you?")


def test_a_question_that_is_refused_for_another_reason_tells_nobody_again(upstream: Upstream) -> None:
    circuit.report(upstream.pk, OutcomeKind.ACCOUNT, "who are you?")
    circuit.report(upstream.pk, OutcomeKind.FUNDS, "no money")
    assert state_of(upstream).reason == "account"
    assert OperatorAlert.objects.count() == 1


# --- Probing ------------------------------------------------------------------------------------


def test_one_order_probes_and_its_success_closes(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "account")
    let_pass(upstream)
    probe = begun(access, upstream)
    with pytest.raises(lifecycle.NoPlace):
        lifecycle.begin(a_generation(access), upstream)
    end(probe, "rejected")
    state = state_of(upstream)
    assert (state.opened_at, state.open_until, state.probe_until, state.reason) == (None, None, None, "")
    begun(access, upstream)


def test_a_probe_that_fails_doubles_the_pause_up_to_a_limit(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "account")
    pauses = []
    for _ in range(6):
        let_pass(upstream)
        end(begun(access, upstream), "account")
        after = state_of(upstream)
        assert after.open_until is not None
        pauses.append(round((after.open_until - read_db_now()).total_seconds()))
    assert pauses == [120, 240, 480, 900, 900, 900]
    assert OperatorAlert.objects.count() == 1, "It is the same opening: nobody is told again"


def test_a_probe_that_never_ends_is_replaced(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "account")
    let_pass(upstream)
    begun(access, upstream)
    age_probe = F("probe_until") - F("probe_until") + F("opened_at")
    UpstreamState.objects.filter(pk=upstream.pk).update(probe_until=age_probe)
    begun(access, upstream)


def test_a_probe_that_says_nothing_makes_room_for_another(access: Access, upstream: Upstream) -> None:
    end(begun(access, upstream), "account")
    let_pass(upstream)
    end(begun(access, upstream), "invalid")
    assert state_of(upstream).opened_at is not None
    end(begun(access, upstream), "rejected")
    assert state_of(upstream).opened_at is None


def test_success_of_what_was_begun_before_does_not_close(access: Access, upstream: Upstream) -> None:
    early = begun(access, upstream)
    age(early, submitted_at=5)
    early.refresh_from_db()
    end(begun(access, upstream), "account")
    end(early, "rejected")
    assert state_of(upstream).reason == "account"


def test_trouble_with_questions_counts_too(upstream: Upstream) -> None:
    for _ in range(circuit.FAILURES_BEFORE_OPENING):
        circuit.report(upstream.pk, OutcomeKind.BUSY, "down")
    assert state_of(upstream).reason == "failing"
    circuit.report(upstream.pk, OutcomeKind.ACCOUNT, "no balance")
    assert state_of(upstream).reason == "account"


def test_the_operator_closes_it(access: Access, upstream: Upstream) -> None:
    assert not circuit.close(upstream.pk)
    end(begun(access, upstream), "account")
    assert circuit.close(upstream.pk)
    begun(access, upstream)
