"""Which buckets a request takes from: that of whoever asks, and their organization's."""

import functools

from django.conf import settings
from django.db.models import Q

from accounts import shops
from accounts.access import Access
from accounts.gcra import Ask, Bucket, Rate
from accounts.models import ApiKey, Organization

_rate = functools.lru_cache(1024)(Rate)  # most requests have one of a few


def ask_to_create(access: Access, *, once: str = "") -> Ask:
    """`once`: what a repeated request is known by; a repetition is counted as a reading."""
    buckets = _buckets(access, key_rate(access.key), organization_rate(access.organization))
    if not once:
        return Ask(buckets)
    scope = f"{access.organization.pk}:{int(access.livemode)}"
    return Ask(buckets, otherwise=ask_to_read(access).buckets, once=f"{scope}:{once}")


def ask_to_read(access: Access) -> Ask:
    return Ask(
        _buckets(
            access,
            _rate("read", settings.RATE_LIMIT_READ_PER_MINUTE, settings.RATE_LIMIT_READ_BURST),
            _rate(
                "read",
                settings.RATE_LIMIT_ORGANIZATION_READ_PER_MINUTE,
                settings.RATE_LIMIT_ORGANIZATION_READ_BURST,
            ),
        )
    )


def key_rate(key: ApiKey | None) -> Rate:
    """For creating; people have the default."""
    return _rate(
        "create",
        (key and key.rate_per_minute) or settings.RATE_LIMIT_PER_MINUTE,
        (key and key.burst) or settings.RATE_LIMIT_BURST,
    )


def organization_rate(organization: Organization) -> Rate:
    """For creating, by all its keys and people together: its own, else its shop's, else the settings'."""
    of_shop = shops.facts_of(organization.shop_id)
    return _rate(
        "create",
        organization.rate_per_minute
        or of_shop.rate_per_minute
        or settings.RATE_LIMIT_ORGANIZATION_PER_MINUTE,
        organization.burst or of_shop.burst or settings.RATE_LIMIT_ORGANIZATION_BURST,
    )


def keys_above(organization: Organization) -> list[ApiKey]:
    """Usable keys that were given more than all of the organization may have together."""
    shared = organization_rate(organization)
    above = Q(rate_per_minute__gt=shared.per_minute) | Q(burst__gt=shared.burst)
    return list(organization.api_keys.filter(above, revoked_at=None).order_by("pk"))


def _buckets(access: Access, own: Rate, shared: Rate) -> tuple[Bucket, Bucket]:
    # Keys that were rotated into one another share theirs: a new one comes with no requests that were not there.
    subject = access.actor if access.key is None else f"key:{access.key.family_key_id}"
    return (
        Bucket(subject, own),
        Bucket(f"organization:{access.organization.pk}", shared, "organization"),
    )
