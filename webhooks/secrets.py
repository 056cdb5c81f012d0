"""What signs: `whsec_…` secrets, sealed at rest. While one is being replaced, both sign."""

import base64
import datetime
import secrets

from django.db import transaction
from django.db.models import F
from standardwebhooks import Webhook

from accounts import sealing
from accounts.clock import db_now, read_db_now
from accounts.models import Organization
from webhooks.models import WebhookEndpoint, WebhookFeed

SECRET_BYTES = 32
OVERLAP = datetime.timedelta(hours=24)

Signer = WebhookEndpoint | WebhookFeed


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def feed_of(organization_id: int) -> WebhookFeed:
    """Made at the first call, with its secret."""
    feed = WebhookFeed.objects.filter(pk=organization_id).first()
    if feed is None:
        fresh = WebhookFeed(organization_id=organization_id, sealed_secret=sealing.seal(new_secret()))
        WebhookFeed.objects.bulk_create([fresh], ignore_conflicts=True)
        feed = WebhookFeed.objects.get(pk=organization_id)
    return feed


def default_secret(organization: Organization) -> str:
    """What signs for the `webhook_url` of orders. Raises sealing.Unreadable."""
    return sealing.unseal(feed_of(organization.pk).sealed_secret)


def rotate(signer: Signer) -> str:
    """The new secret. The one that it replaces signs as well during OVERLAP; one before that signs no more."""
    secret = new_secret()
    type(signer)._default_manager.filter(pk=signer.pk).update(
        sealed_old_secret=F("sealed_secret"),
        old_secret_until=db_now() + OVERLAP,
        sealed_secret=sealing.seal(secret),
    )
    return secret


def signatures(signer: Signer, message_id: str, moment: datetime.datetime, body: str) -> str:
    """The header `webhook-signature`; `moment` in UTC. Raises sealing.Unreadable."""
    sealed = [signer.sealed_secret]
    if signer.old_secret_until is not None and moment < signer.old_secret_until:
        sealed.append(signer.sealed_old_secret)
    return " ".join(Webhook(sealing.unseal(one)).sign(message_id, moment, body) for one in sealed)


def forget_old() -> int:
    """How many secrets that were replaced no longer sign, and are gone now."""
    kinds: list[type[Signer]] = [WebhookEndpoint, WebhookFeed]
    over = [kind._default_manager.filter(old_secret_until__lte=read_db_now()) for kind in kinds]
    return sum(rows.update(sealed_old_secret="", old_secret_until=None) for rows in over)


@transaction.atomic
def reseal() -> tuple[int, list[str]]:
    """Under the newest key: how many, and whose cannot be read; then nothing was changed."""
    kinds: list[type[Signer]] = [WebhookEndpoint, WebhookFeed]
    signers: list[Signer] = [
        row for kind in kinds for row in kind._default_manager.select_for_update(no_key=True).order_by("pk")
    ]
    fields = ("sealed_secret", "sealed_old_secret")
    lost = [
        f"{type(row).__name__} {row.pk}"
        for row in signers
        if not all(sealing.is_readable(getattr(row, field)) for field in fields)
    ]
    if lost:
        return 0, lost
    count = 0
    for row in signers:
        changes = {field: sealing.reseal(getattr(row, field)) for field in fields if getattr(row, field)}
        count += len(changes)
        if changes:
            type(row)._default_manager.filter(pk=row.pk).update(**changes)
    return count, []
