"""A rotation: both keys work for a while, then the new one alone, and together they never get more than one."""

import datetime

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.api_keys import MAX_LIVE_KEYS, create_api_key, freeze_api_key
from accounts.models import ApiKey
from billing.models import KeyUsage
from generations import lifecycle
from generations.models import Generation
from tests.accounts.client import error_of, generate, stated, status, task_of, word_of
from tests.cast import Person, give_credits, new_key
from tests.config.keys.steps import events, made, rotate, secret_in
from tests.makers import books_are_right
from tests.pages import browser_of, text_of

FIELDS = ("name", "livemode", "scopes", "allowed_addresses", "rate_per_minute", "burst", "expires_at")


def rotated(alice: Person, key: ApiKey, overlap: int = 86_400) -> tuple[ApiKey, str]:
    secret = secret_in(rotate(browser_of(alice), key, overlap))
    return ApiKey.objects.latest("pk"), secret


def an_hour_before_the_end(key: ApiKey) -> None:
    """As if time had passed: rows are aged, and no clock is moved."""
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() + datetime.timedelta(hours=1))


def after_the_end(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))


def test_both_keys_work_during_the_overlap_and_only_the_new_one_after(alice: Person) -> None:
    old, old_secret = made(browser_of(alice), rate_per_minute="30", burst="5", allowed_addresses="127.0.0.1")
    new, new_secret = rotated(alice, old)
    task = task_of(generate(old_secret))
    assert status(new_secret, task).status_code == 200
    task_of(generate(new_secret))
    an_hour_before_the_end(old)
    assert generate(old_secret).status_code == 200
    after_the_end(old)
    assert word_of(generate(old_secret)) == (401, "unauthenticated")
    assert generate(new_secret).status_code == 200
    old.refresh_from_db()
    assert old.replaced_by == new
    assert new.created_by == alice.user
    expected = {name: getattr(old, name) for name in FIELDS} | {"expires_at": None}
    assert {name: getattr(new, name) for name in FIELDS} == expected


@pytest.mark.parametrize(("overlap", "hours"), [(3600, 1), (86_400, 24), (604_800, 168)])
def test_old_key_works_on_for_the_chosen_time(alice: Person, overlap: int, hours: int) -> None:
    old, _secret = made(browser_of(alice))
    before = timezone.now()
    rotated(alice, old, overlap)
    old.refresh_from_db()
    assert old.expires_at is not None
    assert abs(old.expires_at - before - datetime.timedelta(hours=hours)) < datetime.timedelta(minutes=1)


def test_without_an_overlap_the_old_key_stops_at_once(alice: Person) -> None:
    old, old_secret = made(browser_of(alice))
    _new, new_secret = rotated(alice, old, 0)
    assert generate(old_secret).status_code == 401
    assert generate(new_secret).status_code == 200


def test_an_overlap_never_makes_a_key_live_longer(alice: Person) -> None:
    old, _secret = made(browser_of(alice))
    an_hour_before_the_end(old)
    old.refresh_from_db()
    ends = old.expires_at
    new, _new_secret = rotated(alice, old)
    old.refresh_from_db()
    assert (old.expires_at, new.expires_at) == (ends, ends)


@pytest.mark.parametrize("overlap", ["-1", "", "1", "604801", "x", "86400.0"])
def test_no_other_overlap_is_taken(alice: Person, overlap: str) -> None:
    key, _secret = made(browser_of(alice))
    response = browser_of(alice).post(f"/keys/{key.public_id}/rotate/", {"overlap": overlap})
    assert response.status_code == 400
    assert ApiKey.objects.count() == 1


def test_rotating_twice_makes_one_key_and_shows_it_once(alice: Person) -> None:
    key, _secret = made(browser_of(alice))
    rotated(alice, key)
    again = rotate(browser_of(alice), key)
    assert again.status_code == 409
    assert "A key is shown once" in text_of(again)
    assert ApiKey.objects.count() == 2


def test_what_was_spent_counts_on_for_the_new_key(alice: Person) -> None:
    old, old_secret = made(browser_of(alice), lifetime_cap="45")
    task_of(generate(old_secret))
    new, new_secret = rotated(alice, old)
    task_of(generate(new_secret))
    newer, newest_secret = rotated(alice, new)
    task_of(generate(old_secret))
    for secret in (old_secret, new_secret, newest_secret):
        error = error_of(generate(secret), 402)
        assert (error["type"], error["limit_source"], error["available"]) == ("spend_cap_reached", "key", 0)
    assert KeyUsage.objects.get().key == old
    assert newer.family == old
    assert text_of(browser_of(alice).get("/keys/")).count("in all 45 of 45") == 3


@pytest.mark.parametrize("cap", ["day_cap", "month_cap", "lifetime_cap"])
def test_both_keys_together_never_pass_a_cap(alice: Person, cap: str) -> None:
    old, old_secret = made(browser_of(alice), **{cap: "60"})
    _new, new_secret = rotated(alice, old)
    answers = [generate(secret).status_code for secret in (old_secret, new_secret) * 4]
    assert answers == [200] * 4 + [402] * 4
    assert books_are_right()


def test_open_tasks_are_counted_together_and_given_back_by_whichever_ends(alice: Person) -> None:
    old, old_secret = made(browser_of(alice), max_open_tasks="2")
    first = task_of(generate(old_secret))
    _new, new_secret = rotated(alice, old)
    task_of(generate(new_secret))
    assert error_of(generate(old_secret), 429)["limit_source"] == "key"
    lifecycle.cancel(Generation.objects.get(task_id=first))
    task_of(generate(new_secret))
    assert KeyUsage.objects.get().open_tasks == 2
    assert books_are_right()


def test_test_keys_share_their_open_tasks_too(alice: Person, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    old, old_secret = made(browser_of(alice), livemode="test")
    _new, new_secret = rotated(alice, old)
    task_of(generate(old_secret))
    assert word_of(generate(new_secret)) == (429, "too_many_open_tasks")


def test_request_rate_is_counted_together(alice: Person) -> None:
    old, old_secret = made(browser_of(alice), rate_per_minute="1", burst="2")
    task_of(generate(old_secret))
    _new, new_secret = rotated(alice, old)
    answer = generate(new_secret)
    assert stated(answer)[1] == 0
    assert word_of(generate(old_secret)) == (429, "rate_limited")


def test_the_books_find_what_a_family_did_not_spend(alice: Person) -> None:
    old, old_secret = made(browser_of(alice))
    _new, new_secret = rotated(alice, old)
    task_of(generate(old_secret))
    task_of(generate(new_secret))
    assert books_are_right()
    KeyUsage.objects.update(lifetime_credits=15)
    assert not books_are_right()


def test_frozen_key_can_be_replaced_and_stays_frozen(alice: Person) -> None:
    old, old_secret = made(browser_of(alice), lifetime_cap="45")
    task_of(generate(old_secret))
    freeze_api_key(old, "leaked")
    assert "Frozen: this key was found where everybody can read it." in text_of(
        browser_of(alice).get("/keys/")
    )
    _new, new_secret = rotated(alice, old)
    assert generate(old_secret).status_code == 401
    assert [generate(new_secret).status_code for _ in range(3)] == [200, 200, 402]
    old.refresh_from_db()
    assert old.frozen_at is not None
    assert old.expires_at is not None  # so it does not come back when an operator thaws it
    assert old.expires_at <= timezone.now()


def test_revoked_and_expired_keys_are_not_rotated(alice: Person) -> None:
    for changes in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now()}):
        key, _secret = made(browser_of(alice))
        ApiKey.objects.filter(pk=key.pk).update(**changes)
        assert rotate(browser_of(alice), key).status_code == 409
    assert ApiKey.objects.count() == 2


def test_at_the_limit_of_keys_one_is_rotated_without_an_overlap(alice: Person) -> None:
    key, _secret = made(browser_of(alice))
    for _ in range(MAX_LIVE_KEYS - 1):
        create_api_key(alice.organization, livemode=True)
    assert rotate(browser_of(alice), key).status_code == 409
    rotated(alice, key, 0)


def test_audit_log_says_what_was_rotated_to_what(alice: Person) -> None:
    old, _secret = made(browser_of(alice))
    new, _new_secret = rotated(alice, old, 3600)
    assert events()[1:] == [
        (
            "key_rotated",
            f"key:{old.public_id}",
            {"to": f"key:{new.public_id}", "overlap_seconds": 3600},
        )
    ]


def test_keys_that_were_never_rotated_share_nothing(alice: Person) -> None:
    give_credits(alice.organization, 100)
    one, one_secret = made(browser_of(alice), day_cap="15")
    other, other_secret = new_key(alice)
    assert (one.family, other.family) == (None, None)
    task_of(generate(one_secret))
    assert generate(one_secret).status_code == 402
    task_of(generate(other_secret))
    assert KeyUsage.objects.count() == 2
