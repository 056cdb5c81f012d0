"""What operators do for and to people: each once, with a reason, and not to each other."""

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import AuditEvent, User
from tests.cast import Person
from tests.operators import clerk, desk_of, do, operator
from tests.pages import browser_of

pytestmark = pytest.mark.django_db


def is_active(person: Person) -> bool:
    return User.objects.get(pk=person.user.pk).is_active


def test_somebody_is_shut_out_at_once_and_let_in_again(alice: Person) -> None:
    theirs, desk = browser_of(alice), desk_of(clerk("view_user", "help_user"))
    path = f"/admin/accounts/user/{alice.user.pk}"
    assert "Shut them out" in desk.get(f"{path}/change/").content.decode()
    do(desk, alice.user, "shut-out", reason="stolen account")
    assert not is_active(alice)
    assert theirs.get("/home/").status_code == 302
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.subject) == ("person_shut_out", alice.user.actor)
    assert event.origin.note == "stolen account"
    do(desk, alice.user, "let-in", reason="it is hers again")
    assert is_active(alice)


def test_lost_second_factors_are_taken_away(alice: Person) -> None:
    Authenticator.objects.create(user=alice.user, type=Authenticator.Type.WEBAUTHN, data={})
    desk = desk_of(operator())
    do(desk, alice.user, "reset-second-factor", reason="showed a passport")
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.latest("pk")
    assert event.action == "second_factor_off"
    assert event.actor.startswith("staff:")


def test_operators_are_not_for_each_other_to_shut_out(alice: Person) -> None:
    boss, desk = operator(), desk_of(clerk("view_user", "help_user"))
    do(desk, boss, "shut-out", reason="a coup")
    boss.refresh_from_db()
    assert boss.is_active
    without = desk_of(User.objects.create(email="new@shop.example", is_staff=True))
    assert without.post(f"/admin/accounts/user/{alice.user.pk}/shut-out/").status_code == 403
    assert is_active(alice)
