"""A team with somebody in each role, and what its forms send."""

import re
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client

from accounts.access import Access
from accounts.invitations import invite
from accounts.models import AuditEvent, Invitation, Organization, QueuedMail, Role
from tests.cast import Person, access_of_user, join

DORA = "dora@new.example"


def team_of(owner: Person) -> dict[str, Person]:
    """By role; the owner is whoever is given."""
    others = [role for role in Role if role != Role.OWNER]
    joined = {role.value: join(f"{role}@studio.example", owner.organization, role) for role in others}
    return {Role.OWNER.value: owner, **joined}


def access_of(person: Person) -> Access:
    return access_of_user(person.user, person.organization.slug)


def post(client: Client, organization: Organization, path: str, **fields: Any) -> HttpResponse:
    """As a page of this organization sends it."""
    return cast(HttpResponse, client.post(path, {"for": organization.slug, **fields}))


def role_of(person: Person) -> str | None:
    found = person.user.memberships.filter(organization=person.organization)
    return found.values_list("role", flat=True).first()


def invited(inviter: Person, email: str = DORA, role: Role = Role.DEVELOPER) -> tuple[Invitation, str]:
    """The invitation, and what its link holds."""
    return invite(access_of(inviter), email, role), newest_token()


def newest_token() -> str:
    found = re.search(r"/invitations/([^/\s]+)/", QueuedMail.objects.latest("pk").body)
    assert found
    return found[1]


def recorded(organization: Organization) -> list[tuple[str, str, str]]:
    """Action, actor and subject of each event, the oldest first."""
    events = AuditEvent.objects.filter(organization=organization).order_by("pk")
    return list(events.values_list("action", "actor", "subject"))
