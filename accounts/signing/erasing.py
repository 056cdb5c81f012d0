"""What allauth keeps of a person, for when they are erased."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from accounts.models import User


def erase(user: User) -> None:
    """Addresses, second factors, accounts elsewhere and sessions. Part of the caller's transaction."""
    for session in UserSession.objects.filter(user=user):
        session.end()
    for model in (EmailAddress, Authenticator, SocialAccount):
        model.objects.filter(user=user).delete()
