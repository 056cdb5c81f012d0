"""What each role may do, and that nobody gives what they do not have."""

import pytest

from accounts.errors import InsufficientScope
from accounts.models import Role
from accounts.roles import RIGHTS, Right, may_give, roles_with, scopes_of
from tests.cast import Person, access_of_user, join

KNOWN = {
    Role.OWNER: "read generate keys webhooks money members audit settings ownership",
    Role.ADMIN: "read generate keys webhooks money members audit settings",
    Role.DEVELOPER: "read generate keys webhooks",
    Role.BILLING: "read money",
    Role.VIEWER: "read",
}


def test_table_says_what_is_promised() -> None:
    assert {role: {str(right) for right in RIGHTS[role]} for role in Role} == {
        role: set(words.split()) for role, words in KNOWN.items()
    }


def test_scopes_of_keys_never_exceed_the_role() -> None:
    scopes = {role: sorted(scopes_of(role)) for role in Role}
    assert scopes == {
        Role.OWNER: ["admin", "generate", "read"],
        Role.ADMIN: ["admin", "generate", "read"],
        Role.DEVELOPER: ["generate", "read"],
        Role.BILLING: ["read"],
        Role.VIEWER: ["read"],
    }


def test_money_is_for_three_roles() -> None:
    assert roles_with(Right.MONEY) == {Role.OWNER, Role.ADMIN, Role.BILLING}


def test_only_owners_make_owners_and_only_managers_give_roles() -> None:
    given = {giver: {role for role in Role if may_give(giver, role)} for giver in Role}
    assert given == {
        Role.OWNER: set(Role),
        Role.ADMIN: set(Role) - {Role.OWNER},
        Role.DEVELOPER: set(),
        Role.BILLING: set(),
        Role.VIEWER: set(),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_access_of_a_person_has_the_rights_of_their_role(alice: Person, role: Role) -> None:
    access = access_of_user(join("dora@studio.example", alice.organization, role).user)
    assert access.rights == RIGHTS[role]
    assert access.words == set(KNOWN[role].split())
    for right in Right:
        if right in RIGHTS[role]:
            access.require_right(right)
        else:
            with pytest.raises(InsufficientScope):
                access.require_right(right)
