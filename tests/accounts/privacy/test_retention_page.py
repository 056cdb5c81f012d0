"""An organization says for itself how long its images and prompts are kept: as long as the shop does at most."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent, Role
from tests.accounts.privacy.steps import now, post
from tests.cast import Person, join
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/settings/retention/"


def save(person: Person, days: str) -> Any:
    return post(browser_of(person), PAGE, days=days)


def test_it_is_set_changed_and_left_to_the_shop_again(alice: Person) -> None:
    for typed, days in (("7", 7), ("30", 30), ("", None)):
        assert save(alice, typed)["Location"] == PAGE
        assert now(alice.organization).retention_days == days
    details = [event.details for event in AuditEvent.objects.order_by("pk")]
    assert details == [
        {"setting": "retention_days", "from": before, "to": after}
        for before, after in ((None, 7), (7, 30), (30, None))
    ]
    assert 'value="7"' not in browser_of(alice).get(PAGE).content.decode()


def test_what_does_not_change_is_not_told(alice: Person) -> None:
    save(alice, "7")
    save(alice, "7")
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("typed", ["0", "-1", "31", "1.5", "a week", "9" * 30, "٣x"])
def test_what_is_no_number_of_days_is_refused_and_kept_in_the_form(alice: Person, typed: str) -> None:
    response = save(alice, typed)
    assert response.status_code == 400
    assert f'value="{typed}"' in response.content.decode()
    assert now(alice.organization).retention_days is None


def test_the_page_says_what_the_shop_does(alice: Person, settings: Settings) -> None:
    page = text_of(browser_of(alice).get(PAGE))
    assert "keeps images for 30 days" in page
    assert "Prompts stay with their orders." in page
    settings.PROMPT_RETENTION_DAYS = 90
    assert "Prompts are deleted after 90 days." in text_of(browser_of(alice).get(PAGE))


def test_only_who_may_change_settings(alice: Person) -> None:
    for role in (Role.DEVELOPER, Role.BILLING, Role.VIEWER):
        member = join(f"{role}@studio.example", alice.organization, role)
        assert browser_of(member).get(PAGE).status_code == 403
        assert save(member, "1").status_code == 403
    assert now(alice.organization).retention_days is None
    assert save(join("admin@studio.example", alice.organization, Role.ADMIN), "5").status_code == 302
