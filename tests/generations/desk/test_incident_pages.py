"""An incident at the desk: entered, looked at, given, and refused where it makes no sense."""

from typing import Any

import pytest
from django.test import Client

from accounts.access import Access
from generations import incidents
from generations.models import Incident, IncidentState
from tests.generations.hurt import a_failed, an_incident
from tests.makers import an_access, an_organization, wallet_of
from tests.operators import clerk, desk_of, do, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/incident/"
FIELDS = {
    "name": "The outage of Monday",
    "since_0": "2020-01-06",
    "since_1": "08:00:00",
    "until_0": "2020-01-07",
    "until_1": "09:00:00",
    "upstream": "",
    "affected": "failed",
    "credits_each": "",
}


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(credits=100))


def enter(desk: Client, **changes: str) -> Any:
    return desk.post(f"{LIST}add/", FIELDS | changes, follow=True)


def test_it_is_entered_looked_at_given_and_given_once(access: Access) -> None:
    desk = desk_of(clerk("credit_incident"))
    a_failed(access)
    words = text_of(enter(desk))
    assert "0 customers, 0 tasks, 0 credits" in words
    assert "Give the credits" in words
    incident = an_incident()
    words = text_of(desk.get(f"{LIST}{incident.pk}/change/"))
    assert "1 customer, 1 task, 15 credits" in words
    words = text_of(desk.get(f"{LIST}{incident.pk}/give/"))
    assert "Affected: 1 customer, 1 task, 15 credits." in words
    assert "The credits are being given." in text_of(do(desk, incident, "give"))
    assert "They were given, or are being given." in text_of(do(desk, incident, "give"))
    assert incidents.run_due() == 1
    assert wallet_of(access.organization)[0] == 115
    page = desk.get(f"{LIST}{incident.pk}/change/")
    assert f"{LIST}{incident.pk}/give/" not in page.content.decode()
    do(desk, incident, "again")
    assert incidents.run_due() == 0
    assert Incident.objects.get(pk=incident.pk).state == IncidentState.DONE
    assert wallet_of(access.organization)[0] == 115


def test_the_same_is_entered_once(access: Access) -> None:
    desk = desk_of(operator())
    enter(desk)
    assert "entered before, as “The outage of Monday”" in text_of(enter(desk, name="Again"))
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"until_0": "2020-01-05"}, "It would end before it begins."),
        ({"until_0": "2020-03-05"}, "At most 31 days at once."),
        ({"since_0": "2999-01-01", "until_0": "2999-01-02"}, "Wait until it is over"),
        ({"credits_each": "0"}, "From 1 to 1,000,000."),
        ({"credits_each": "9999999"}, "From 1 to 1,000,000."),
        ({"affected": "everything"}, "not one of the available choices"),
        ({"name": ""}, "This field is required."),
        ({"since_0": "Monday"}, "Enter a valid date"),
    ],
)
def test_what_makes_no_sense_is_not_entered(access: Access, changes: dict[str, str], says: str) -> None:
    response = desk_of(operator()).post(f"{LIST}add/", FIELDS | changes)
    assert response.status_code == 200
    assert says in text_of(response)
    assert not Incident.objects.exists()


def test_nobody_without_the_permission_enters_one_or_looks(access: Access) -> None:
    incident = an_incident()
    other = desk_of(clerk("add_incident", "change_incident", "grant_credits"))
    assert other.get(f"{LIST}add/").status_code == 403
    assert enter(other).status_code == 403
    assert desk_of(clerk("grant_credits")).get(f"{LIST}{incident.pk}/change/").status_code == 403
    assert Incident.objects.count() == 1
