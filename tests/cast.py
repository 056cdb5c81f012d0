"""Who plays in the tests: alice owns, bob is her teammate, charlie is a stranger."""

import functools
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts import access
from accounts.access import Access
from accounts.api_keys import create_api_key
from accounts.models import ApiKey, Membership, Organization, Role, User
from accounts.organizations import create_organization
from accounts.origin import NOWHERE, Origin
from accounts.shops import first_shop
from billing import ledger
from tests.passwords import PASSWORD


@dataclass(frozen=True, slots=True)
class Person:
    """One of the cast, with the organization that they act in."""

    user: User
    organization: Organization


@functools.cache
def _hashed_password() -> str:
    # Once a run.
    return make_password(PASSWORD)


def new_user(email: str) -> User:
    return User.objects.create(email=email, password=_hashed_password())


def found(email: str, name: str) -> Person:
    """A person with PASSWORD who owns a new organization of this name, which has no credits."""
    owner = new_user(email)
    return Person(owner, create_organization(first_shop(), name, owner))


def join(email: str, organization: Organization, role: Role) -> Person:
    """A person with PASSWORD who becomes a member."""
    user = new_user(email)
    Membership.objects.create(organization=organization, user=user, role=role)
    return Person(user, organization)


def give_credits(organization: Organization, credits: int) -> None:
    ledger.grant(organization.pk, credits, reference=f"manual:{uuid.uuid4()}", actor="system")


def new_key(person: Person, *, livemode: bool = True, **options: Any) -> tuple[ApiKey, str]:
    """The row and the secret; `options` as accounts.organizations.create_api_key takes them."""
    return create_api_key(person.organization, livemode=livemode, created_by=person.user, **options)


def access_of_user(user: User, slug: str | None = None, *, origin: Origin = NOWHERE) -> Access:
    """Somebody at the first shop."""
    return access.access_of_user(user, first_shop().pk, slug, origin=origin)
