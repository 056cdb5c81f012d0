"""What a demo starts with: an organization to try everything with."""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.api_keys import create_api_key
from accounts.models import SCOPES, Organization, User
from accounts.organizations import create_organization
from accounts.shops import first_shop
from billing import manual

OWNER_EMAIL = "owner@demo.example"
CREDITS = 1500


@dataclass(frozen=True, slots=True)
class Welcome:
    """Shown once; neither the password nor the keys are stored as text."""

    organization_slug: str
    owner_email: str
    password: str
    live_key: str
    test_key: str


def open_demo() -> Welcome | None:
    """Founds the demo organization at the first start of a demo; None later, or when this is no demo."""
    shop = first_shop()
    if not settings.DEMO:
        return None
    with transaction.atomic():
        if Organization.objects.exists():
            return None
        password = secrets.token_urlsafe(12)
        owner = User.objects.create_superuser(
            OWNER_EMAIL, password
        )  # the operator as well: a demo shows all of it
        organization = create_organization(shop, "Demo", owner)
        manual.grant(organization.pk, CREDITS, reason="Credits of the demo")
        _live, live_key = create_api_key(organization, livemode=True, name="Demo", created_by=owner)
        # Of test mode it may try all that there is, endpoints for webhooks too: it spends and reveals nothing.
        _test, test_key = create_api_key(
            organization, livemode=False, name="Demo test", scopes=SCOPES, created_by=owner
        )
    return Welcome(organization.slug, owner.email, password, live_key, test_key)
