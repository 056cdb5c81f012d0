"""What is kept of how somebody signs in, for the copy of their own data."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from accounts.models import User


def ways_to_sign_in(user: User) -> dict[str, Any]:
    """Without what is secret."""
    return {
        "has_password": user.has_usable_password(),
        "addresses": [
            {"email": address.email, "confirmed": address.verified, "primary": address.primary}
            for address in EmailAddress.objects.filter(user=user).order_by("pk")
        ],
        "second_factors": [
            {"kind": factor.type, "since": factor.created_at, "last_used_at": factor.last_used_at}
            for factor in Authenticator.objects.filter(user=user).order_by("pk")
        ],
        "accounts_elsewhere": [
            {
                "at": account.provider,
                "id": account.uid,
                "since": account.date_joined,
                "kept": account.extra_data,
            }
            for account in SocialAccount.objects.filter(user=user).order_by("pk")
        ],
        "sessions": [
            {
                "address": session.ip,
                "browser": session.user_agent,
                "since": session.created_at,
                "last_seen_at": session.last_seen_at,
            }
            for session in UserSession.objects.filter(user=user).order_by("pk")
        ],
    }
