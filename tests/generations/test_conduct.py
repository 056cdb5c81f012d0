"""An organization whose prompts upstreams keep refusing pauses by itself."""

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.models import OperatorAlert, Organization
from accounts.names import isolated
from accounts.organizations import full_slug, resume
from generations import conduct, lifecycle
from generations.models import Generation
from tests.makers import a_generation, age, an_access, an_organization, an_upstream

pytestmark = pytest.mark.django_db
LIMIT = 3


@pytest.fixture
def organization(db: None, settings: Settings) -> Organization:
    settings.REFUSALS_BEFORE_PAUSE = LIMIT
    an_upstream(concurrency=100)
    return an_organization(1000)


def refused(access: Access) -> Generation:
    """An order that its upstream has just refused."""
    generation = a_generation(access)
    assert lifecycle.give_up(generation, "content_rejected")
    return Generation.objects.get(pk=generation.pk)


def suspension_of(organization: Organization) -> tuple[bool, str]:
    organization.refresh_from_db()
    return organization.suspended_at is not None, organization.suspended_reason


def test_it_pauses_at_the_limit_and_tells_the_operators_once(
    organization: Organization, access: Access
) -> None:
    assert [conduct.note_refusal(refused(access)) for _ in range(LIMIT)] == [False, False, True]
    assert suspension_of(organization) == (True, "refusals")
    alert = OperatorAlert.objects.get()
    assert isolated(organization.name) in alert.subject
    assert isolated(organization.name) in alert.body
    assert f"resume_organization {full_slug(organization)}" in alert.body
    assert not conduct.note_refusal(refused(access))
    assert OperatorAlert.objects.count() == 1


def test_old_ones_and_other_ends_and_test_keys_and_others_do_not_count(
    organization: Organization, access: Access
) -> None:
    for _ in range(LIMIT):
        age(refused(access), finished_at=3700)
        lifecycle.give_up(a_generation(access), "generation_failed")
        refused(an_access(an_organization(100)))
        assert not conduct.note_refusal(refused(an_access(organization, livemode=False)))
    assert not conduct.note_refusal(refused(access))
    assert suspension_of(organization) == (False, "")


def test_after_it_was_resumed_the_count_begins_anew(organization: Organization, access: Access) -> None:
    for _ in range(LIMIT):
        conduct.note_refusal(refused(access))
    assert resume(organization)
    assert suspension_of(organization) == (False, "")
    access = an_access(organization)
    assert [conduct.note_refusal(refused(access)) for _ in range(LIMIT)] == [False, False, True]


def test_it_can_be_switched_off(organization: Organization, access: Access, settings: Settings) -> None:
    settings.REFUSALS_BEFORE_PAUSE = 0
    assert not any(conduct.note_refusal(refused(access)) for _ in range(LIMIT + 1))
