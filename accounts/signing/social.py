"""Signing in with Google or GitHub, where the operator has entered credentials for it."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse

from accounts.hosts import clean_host
from accounts.models import User
from accounts.shops import first_id, here, host_of, shop_id_of

# Where forms that begin it lead to, which the policy for browsers has to allow.
ORIGINS = {"google": "https://accounts.google.com", "github": "https://github.com"}


class _AtOurAddress:
    """Comes back to the shop's address, never to what a client calls us."""

    provider_id: str

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return here(request, reverse(f"{self.provider_id}_callback"))


class GoogleAdapter(_AtOurAddress, GoogleOAuth2Adapter):
    pass


class GithubAdapter(_AtOurAddress, GitHubOAuth2Adapter):
    pass


class Google(GoogleProvider):
    oauth2_adapter_class = GoogleAdapter

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Of all that it tells of people we keep how they call themselves there."""
        return {"name": str(data.get("email") or "")[:80]}


class Github(GitHubProvider):
    oauth2_adapter_class = GithubAdapter

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"name": str(data.get("login") or "")[:80]}


class SocialAdapter(DefaultSocialAccountAdapter):
    def list_apps(self, request: HttpRequest, provider: str = "", client_id: str = "") -> list[SocialApp]:
        """From the settings alone: pages for strangers ask no table for it."""
        return [
            SocialApp(provider=name, name=name.title(), **app)
            for name, app in offered(request).items()
            if (not provider or provider == name) and (not client_id or client_id == app["client_id"])
        ]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Who opens an account so needs an address that the other side has seen confirmed; there is no other mail."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT or sociallogin.is_existing:
            return
        if not confirmed_address(sociallogin):
            context = {"provider": sociallogin.provider}
            raise ImmediateHttpResponse(render(request, "socialaccount/no_address.html", context, status=403))

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        user = super().populate_user(request, sociallogin, data)
        # GitHub has a name in one piece, Google in two.
        parts = [data.get("name")] if data.get("name") else [data.get("first_name"), data.get("last_name")]
        name = " ".join(str(part) for part in parts if part)
        user.name = " ".join(name.split())[:80].replace("\x00", "")
        return user

    # Between the two pages of a sign-up the session keeps what they are called, and no row that is only half one.

    def serialize_instance(self, instance: Any) -> Any:
        return {"name": instance.name} if isinstance(instance, User) else super().serialize_instance(instance)

    def deserialize_instance(self, model: Any, data: Any) -> Any:
        if model is not User:
            return super().deserialize_instance(model, data)
        return User(name=str(data["name"]))


def confirmed_address(sociallogin: Any) -> str:
    """The one that the provider vouches for, its first choice first; "" if there is none."""
    rows = [row for row in sociallogin.email_addresses if row.verified]
    rows.sort(key=lambda row: not row.primary)
    return str(rows[0].email).lower() if rows else ""


def offered(request: HttpRequest) -> dict[str, dict[str, str]]:
    """Those with credentials, by name. Both sides send people back only to addresses that the operator has registered
    there, so at hosts for which nobody says so there are none; nor at further hosts of a shop, since people come back
    to that which its links begin with, where this session is not.
    """
    shop_id = shop_id_of(request)
    host = host_of(shop_id)
    if clean_host(request.get_host()) != clean_host(host) or not comes_back_to(host, shop_id):
        return {}
    return with_credentials()


def comes_back_to(host: str, shop_id: int) -> bool:
    """Whether the operator says that the host of this shop is registered at the other side."""
    hosts = settings.SOCIAL_HOSTS
    return host in hosts if hosts else shop_id == first_id()


def with_credentials() -> dict[str, dict[str, str]]:
    known = settings.SOCIALACCOUNT_PROVIDERS.items()
    return {name: provider["APP"] for name, provider in known if "APP" in provider}


def origins(request: HttpRequest) -> list[str]:
    return [ORIGINS[name] for name in offered(request)]
