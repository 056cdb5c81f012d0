"""Of who is erased nothing is left to sign in with."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from accounts.signing.erasing import erase
from tests.accounts.signing.steps import signed_in, switch_on
from tests.cast import Person

pytestmark = pytest.mark.django_db


def test_all_that_the_library_holds_of_them_goes_and_nothing_of_others(
    alice: Person, charlie: Person
) -> None:
    clients = {}
    for person in (alice, charlie):
        clients[person.user.pk] = signed_in(person)
        switch_on(clients[person.user.pk])
        SocialAccount.objects.create(user=person.user, provider="github", uid=str(person.user.pk))
    erase(alice.user)
    for model in (EmailAddress, Authenticator, SocialAccount, UserSession):
        assert set(model.objects.values_list("user", flat=True)) == {charlie.user.pk}
    assert clients[alice.user.pk].get("/playground/").status_code == 302
    assert clients[charlie.user.pk].get("/playground/").status_code == 200
