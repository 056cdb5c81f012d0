"""Which order a client's next try repeats, where no Idempotency-Key says it."""

import pytest

from accounts.access import Access
from billing.reads import balance
from generations import lifecycle
from generations.models import Generation, Status
from tests.cast import Person
from tests.makers import PRICE_CREDITS, a_request, age, an_access, stored_images

FIRST, NEXT, LAST = range(3)


@pytest.fixture
def access(alice: Person) -> Access:
    return an_access(alice.organization)


def post(access: Access, number: int, prompt: str = "a lighthouse", *, cut: bool = False) -> Generation:
    its_try = lifecycle.Try(number, lambda: cut)
    return lifecycle.submit(access, a_request(prompt), endpoint="openai", its_try=its_try)


def make(generation: Generation) -> None:
    claimed = lifecycle.claim(generation.pk)
    assert claimed
    attempt = lifecycle.mark_submitted(claimed, "sandbox")
    assert attempt
    assert lifecycle.succeed(claimed, attempt, stored_images(claimed, 1))


def held(access: Access) -> int:
    return balance(access.organization.pk).held


def test_next_try_joins_and_holds_nothing(access: Access) -> None:
    assert post(access, FIRST) == post(access, NEXT) == post(access, LAST)
    assert held(access) == PRICE_CREDITS


def test_first_tries_are_orders_of_their_own(access: Access) -> None:
    assert post(access, FIRST) != post(access, FIRST)


def test_next_try_joins_what_was_made_meanwhile(access: Access) -> None:
    first = post(access, FIRST)
    make(first)
    assert post(access, NEXT) == first


def test_what_was_answered_is_not_repeated(access: Access) -> None:
    first = post(access, FIRST)
    lifecycle.answered(first.pk)
    assert post(access, NEXT) != first


def test_what_cost_nothing_is_ordered_anew(access: Access) -> None:
    failed, canceled = post(access, FIRST, "a fox"), post(access, FIRST, "a hare")
    claimed = lifecycle.claim(failed.pk)
    assert claimed
    assert lifecycle.fail(claimed, "generation_failed")
    lifecycle.cancel(canceled)
    for old, prompt in ((failed, "a fox"), (canceled, "a hare")):
        new = post(access, NEXT, prompt)
        assert (new == old, new.status) == (False, Status.QUEUED)


def test_try_joins_nothing_older_than_ten_minutes(access: Access) -> None:
    first = post(access, FIRST)
    age(first, created_at=599)
    assert post(access, NEXT) == first
    age(first, created_at=601)
    assert post(access, NEXT) != first


def test_try_joins_its_own_request_alone(access: Access, charlie: Person) -> None:
    first = post(access, FIRST)
    others = [
        post(access, NEXT, "another lighthouse"),
        post(an_access(access.organization), NEXT),
        post(an_access(access.organization, livemode=False), NEXT),
        post(an_access(charlie.organization), NEXT),
    ]
    assert first not in others
    assert len(set(others)) == len(others)


def test_order_without_a_waiting_client_is_never_joined(access: Access) -> None:
    plain = lifecycle.submit(access, a_request(), endpoint="openai")
    assert post(access, NEXT) != plain


def test_tries_of_several_requests_take_one_order_each(access: Access) -> None:
    older, newer = post(access, FIRST), post(access, FIRST)
    assert [post(access, NEXT), post(access, NEXT)] == [newer, older]
    assert [post(access, LAST), post(access, LAST)] == [newer, older]
    # More of them than there are orders: still nobody pays again.
    assert post(access, LAST) == newer


def test_first_try_that_comes_after_the_next_joins_it(access: Access) -> None:
    """It was held up for so long that its client has left and posted again."""
    late = lifecycle.Try(FIRST, lambda: True)
    newer = post(access, NEXT)
    assert lifecycle.submit(access, a_request(), endpoint="openai", its_try=late) == newer


def test_first_try_whose_client_has_left_is_an_order_all_the_same(access: Access) -> None:
    before = post(access, NEXT)
    age(before, created_at=1)
    assert post(access, FIRST, cut=True) != before
