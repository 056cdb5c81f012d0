"""Members, owners, invitations and organizations, when everybody acts at once."""

import threading

import pytest
from django.db import connection
from django.db.models import Count
from pytest_django import Settings

from accounts import invitations, members
from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.models import AuditEvent, Invitation, Membership, Organization, QueuedMail, Role, User
from accounts.organizations import create_organization, found_another
from accounts.shops import first_shop
from tests.accounts.team.team import newest_token
from tests.billing.gifts import a_person, owner_of
from tests.cast import access_of_user
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import tally
from tests.makers import an_organization
from tests.threads import together

LIMIT = 5
OWNERS = 8


def owned_by(count: int) -> tuple[Organization, list[User]]:
    """An organization with so many owners."""
    organization = an_organization()
    more = [a_person() for _ in range(count - 1)]
    Membership.objects.bulk_create(
        Membership(organization=organization, user=user, role=Role.OWNER) for user in more
    )
    return organization, [owner_of_first(organization), *more]


def owner_of_first(organization: Organization) -> User:
    return Membership.objects.filter(organization=organization).order_by("pk")[0].user


def owners_of(organization: Organization) -> int:
    return Membership.objects.filter(organization=organization, role=Role.OWNER).count()


# --- The last owner -----------------------------------------------------------------------------


def test_of_owners_who_all_leave_one_stays(race_db: None) -> None:
    organization, owners = owned_by(OWNERS)
    connection.close()
    everybody_is_connected = threading.Barrier(OWNERS)

    def leave(index: int) -> str:
        access = access_of_user(owners[index], organization.slug)
        everybody_is_connected.wait(30)
        members.leave(access)
        return "left"

    assert tally(together(OWNERS, leave)) == {"left": OWNERS - 1, "LastOwner": 1}
    assert owners_of(organization) == 1
    assert AuditEvent.objects.filter(action="member_left").count() == OWNERS - 1


def test_counting_owners_first_lets_all_of_them_go_control(race_db: None) -> None:
    organization, owners = owned_by(OWNERS)
    connection.close()
    everybody_has_counted = threading.Barrier(OWNERS)

    def leave_naively(index: int) -> bool:
        count = owners_of(organization)
        connection.close()
        everybody_has_counted.wait(30)
        return count > 1 and bool(Membership.objects.filter(user=owners[index]).delete()[0])

    assert tally(together(OWNERS, leave_naively)) == {"True": OWNERS}
    assert owners_of(organization) == 0


def test_of_owners_who_demote_and_remove_each_other_one_stays(race_db: None) -> None:
    """Each goes for the next in the circle; whoever has lost the role acts no more."""
    organization, owners = owned_by(OWNERS)
    accesses = [access_of_user(user, organization.slug) for user in owners]
    connection.close()

    def strike(index: int) -> str:
        whom = owners[(index + 1) % OWNERS].uuid
        if index % 2:
            members.remove(accesses[index], whom)
        else:
            members.change_role(accesses[index], whom, seen="owner", role="viewer")
        return "done"

    counted = tally(together(OWNERS, strike))
    assert set(counted) <= {"done", "InsufficientScope", "NotFound"}
    assert owners_of(organization) == OWNERS - counted["done"]
    assert owners_of(organization) >= 1
    changed = AuditEvent.objects.filter(action__in=("role_changed", "member_removed"))
    assert changed.count() == counted["done"]
    # Nobody was struck by somebody who had been struck before.
    struck: set[str] = set()
    for event in changed.order_by("pk"):
        assert event.actor not in struck
        struck.add(event.subject)


def test_rights_as_they_were_read_before_let_those_strike_who_were_struck_control(
    race_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization, owners = owned_by(3)
    first, second = (access_of_user(user, organization.slug) for user in owners[:2])
    monkeypatch.setattr(members, "held", lambda access: access)  # neither held nor read anew
    members.remove(first, owners[1].uuid)
    members.remove(second, owners[0].uuid)
    assert owners_of(organization) == 1


def test_one_role_is_changed_once_by_all_who_saw_the_same(race_db: None) -> None:
    organization, owners = owned_by(OWNERS)
    member = a_person()
    Membership.objects.create(organization=organization, user=member, role=Role.VIEWER)
    accesses = [access_of_user(user, organization.slug) for user in owners]
    connection.close()

    def change(index: int) -> str:
        members.change_role(accesses[index], member.uuid, seen="viewer", role="developer")
        return "done"

    assert tally(together(OWNERS, change)) == {"done": 1, "ChangedMeanwhile": OWNERS - 1}
    assert AuditEvent.objects.count() == 1


def test_reading_the_role_first_changes_it_as_often_as_it_was_seen_control(race_db: None) -> None:
    organization, member = an_organization(), a_person()
    Membership.objects.create(organization=organization, user=member, role=Role.VIEWER)
    connection.close()
    everybody_has_read = threading.Barrier(OWNERS)

    def change_naively(_index: int) -> bool:
        mine = Membership.objects.filter(organization=organization, user=member)
        role = mine.get().role
        connection.close()
        everybody_has_read.wait(30)
        return role == Role.VIEWER and bool(mine.update(role=Role.DEVELOPER))

    assert tally(together(OWNERS, change_naively)) == {"True": OWNERS}


# --- Founding -----------------------------------------------------------------------------------


def test_nobody_founds_more_than_they_may_own(race_db: None, settings: Settings) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = LIMIT
    founder, shop = a_person(), first_shop()
    connection.close()

    def found_one(index: int) -> str:
        found_another(shop, f"Studio {index}", founder)
        return "founded"

    assert tally(together(RUNNERS, found_one)) == {
        "founded": LIMIT,
        "TooManyOrganizations": RUNNERS - LIMIT,
    }
    assert Membership.objects.filter(user=founder, role=Role.OWNER).count() == LIMIT


def test_counting_organizations_first_founds_all_of_them_control(race_db: None) -> None:
    founder, shop = a_person(), first_shop()
    connection.close()
    everybody_has_counted = threading.Barrier(RUNNERS)

    def found_naively(index: int) -> bool:
        owned = Membership.objects.filter(user=founder, role=Role.OWNER).count()
        connection.close()
        everybody_has_counted.wait(30)
        if owned >= LIMIT:
            return False
        create_organization(shop, f"Studio {index}", founder)
        return True

    assert tally(together(RUNNERS, found_naively)) == {"True": RUNNERS}


def test_nobody_is_made_an_owner_of_more_than_they_may_own(race_db: None, settings: Settings) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = LIMIT
    member = a_person()
    organizations = [an_organization() for _ in range(2 * LIMIT)]
    Membership.objects.bulk_create(
        Membership(organization=one, user=member, role=Role.ADMIN) for one in organizations
    )
    accesses = [access_of_user(owner_of(one), one.slug) for one in organizations]
    connection.close()

    def make_owner(index: int) -> str:
        members.change_role(accesses[index], member.uuid, seen="admin", role="owner")
        return "made"

    assert tally(together(2 * LIMIT, make_owner)) == {"made": LIMIT, "TooManyOrganizations": LIMIT}


# --- Invitations --------------------------------------------------------------------------------


def test_an_invitation_lets_in_once_whoever_clicks_how_often(race_db: None) -> None:
    organization = an_organization()
    guest = a_person()
    invitations.invite(access_of_user(owner_of(organization)), guest.email, Role.VIEWER)
    token = newest_token()
    connection.close()

    def accept(_index: int) -> str:
        return invitations.accept(guest, token, first_shop().pk).role

    assert tally(together(RUNNERS, accept)) == {"viewer": 1, "Unusable": RUNNERS - 1}
    assert Membership.objects.filter(user=guest).count() == 1
    assert AuditEvent.objects.filter(action="member_joined").count() == 1


def test_finding_an_invitation_open_first_accepts_it_with_every_click_control(race_db: None) -> None:
    organization, guest = an_organization(), a_person()
    invitations.invite(access_of_user(owner_of(organization)), guest.email, Role.VIEWER)
    token, shop_id = newest_token(), first_shop().pk
    connection.close()
    everybody_has_found_it = threading.Barrier(RUNNERS)

    def accept_naively(_index: int) -> bool:
        invitation = invitations.find(token, shop_id)
        connection.close()
        everybody_has_found_it.wait(30)
        mine = Invitation.objects.filter(pk=invitation.pk)
        return bool(mine.update(accepted_at=db_now(), accepted_by=guest))

    assert tally(together(RUNNERS, accept_naively)) == {"True": RUNNERS}


def test_an_invitation_that_is_taken_back_and_accepted_at_once_is_one_of_the_two(race_db: None) -> None:
    organization = an_organization()
    access = access_of_user(owner_of(organization))
    guests = [a_person() for _ in range(LIMIT)]
    made = [invitations.invite(access, guest.email, Role.VIEWER) for guest in guests]
    bodies = QueuedMail.objects.order_by("pk").values_list("body", flat=True)
    tokens = [body.partition("/invitations/")[2].partition("/")[0] for body in bodies]
    connection.close()

    def meet(index: int) -> str:
        number = index // 2
        if index % 2:
            invitations.revoke(access, made[number].public_id)
            return "revoked"
        invitations.accept(guests[number], tokens[number], first_shop().pk)
        return "accepted"

    outcomes = together(2 * LIMIT, meet)
    for number, guest in enumerate(guests):
        accepted, revoked = outcomes[2 * number : 2 * number + 2]
        assert (accepted == "accepted") != (revoked == "revoked"), outcomes
        assert Membership.objects.filter(user=guest).exists() == (accepted == "accepted")
    both = Invitation.objects.filter(accepted_at__isnull=False, revoked_at__isnull=False)
    assert not both.exists()


def test_finding_it_open_first_takes_back_what_is_accepted_control(race_db: None) -> None:
    organization = an_organization()
    made = invitations.invite(access_of_user(owner_of(organization)), a_person().email, Role.VIEWER)
    connection.close()
    both_have_found_it = threading.Barrier(2)

    def meet_naively(index: int) -> bool:
        mine = Invitation.objects.filter(pk=made.pk)
        is_open = mine.filter(accepted_at=None, revoked_at=None).exists()
        connection.close()
        both_have_found_it.wait(30)
        return is_open and bool(mine.update(**{("accepted_at", "revoked_at")[index]: db_now()}))

    assert together(2, meet_naively) == [True, True]
    assert Invitation.objects.filter(accepted_at__isnull=False, revoked_at__isnull=False).exists()


def test_no_more_invitations_are_open_and_sent_than_may(race_db: None, settings: Settings) -> None:
    organization = an_organization()
    access = access_of_user(owner_of(organization))
    connection.close()

    def invite(index: int) -> str:
        invitations.invite(access, f"guest{index}@new.example", Role.VIEWER)
        return "sent"

    settings.MAX_OPEN_INVITATIONS = LIMIT
    assert tally(together(RUNNERS, invite)) == {"sent": LIMIT, "NotInvited": RUNNERS - LIMIT}
    Invitation.objects.all().delete()
    settings.MAX_OPEN_INVITATIONS, settings.INVITATION_MAILS_PER_DAY = RUNNERS, LIMIT
    connection.close()
    assert tally(together(RUNNERS, invite)) == {"sent": LIMIT, "NotInvited": RUNNERS - LIMIT}
    assert QueuedMail.objects.count() == 2 * LIMIT


def test_counting_invitations_first_sends_all_of_them_control(race_db: None) -> None:
    organization = an_organization()
    connection.close()
    everybody_has_counted = threading.Barrier(RUNNERS)

    def invite_naively(index: int) -> bool:
        count = Invitation.objects.filter(organization=organization).count()
        connection.close()
        everybody_has_counted.wait(30)
        if count >= LIMIT:
            return False
        Invitation.objects.create(
            organization=organization,
            email=f"guest{index}@new.example",
            role=Role.VIEWER,
            digest=f"{index:064x}",
            expires_at="2100-01-01T00:00:00Z",
        )
        return True

    assert tally(together(RUNNERS, invite_naively)) == {"True": RUNNERS}


def test_people_and_counts_stay_right_with_everything_at_once(race_db: None) -> None:
    """Locks are taken in one order, so nobody waits in a circle: organizations, then people."""
    organizations_and_owners = [owned_by(2) for _ in range(2)]
    both = [user for _organization, owners in organizations_and_owners for user in owners]
    for organization, _owners in organizations_and_owners:
        for user in both:
            Membership.objects.get_or_create(
                organization=organization, user=user, defaults={"role": Role.ADMIN}
            )
    accesses = [
        access_of_user(owner, organization.slug)
        for organization, owners in organizations_and_owners
        for owner in owners
    ]
    shop = first_shop()
    connection.close()

    def work(index: int) -> str:
        access = accesses[index % len(accesses)]
        whom = both[(index + 2) % len(both)]
        try:
            if index % 3 == 0:
                members.change_role(access, whom.uuid, seen="admin", role="owner")
            elif index % 3 == 1:
                invitations.invite(access, f"guest{index}@new.example", Role.VIEWER)
            else:
                found_another(shop, f"Studio {index}", whom)
        except DomainError:
            return "refused"
        return "done"

    assert set(tally(together(24, work))) <= {"done", "refused"}
    without = Organization.objects.exclude(memberships__role=Role.OWNER).count()
    assert without == 0
    owned = User.objects.filter(memberships__role=Role.OWNER).annotate(count=Count("memberships"))
    assert max(user.count for user in owned) <= 5
