"""What is done to keys, by people and by keys: each one transaction, with its line in the audit log."""

import datetime
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.api_keys import (
    KEY_ID,
    KeyEnded,
    KeyFrozen,
    MadeAlready,
    create_api_key,
    lock_keys_of,
    lock_unended,
    require_room,
    revoke_api_key,
    rotate_api_key,
)
from accounts.audit import record_by
from accounts.errors import InsufficientScope, NotFound
from accounts.models import ApiKey, AuditAction
from accounts.standing import require_running
from billing import ledger, reads
from config.keys.draft import Draft, Invalid, checked, require_scopes
from config.keys.makers import narrowed, require_within


def find(access: Access, public_id: str) -> ApiKey:
    """Raises NotFound, also for another organization's; to a test key there are only test keys."""
    if not KEY_ID.fullmatch(public_id):
        raise NotFound
    keys = access.organization.api_keys.select_related("created_by", "replaced_by")
    if access.key is not None and not access.livemode:
        keys = keys.filter(livemode=False)
    key = keys.filter(public_id=public_id).first()
    if key is None:
        raise NotFound
    key.organization = access.organization
    return key


def spending_of(key: ApiKey) -> reads.KeySpending:
    return reads.key_spending([key])[key.pk]


@transaction.atomic
def create(
    access: Access, draft: Draft, *, livemode: bool, public_id: str | None = None
) -> tuple[ApiKey, str]:
    """The key and its secret, which is not to be had again.

    `public_id`: chosen when a form was shown, so that sending it twice makes one key. Raises Invalid,
    InsufficientScope, OrganizationSuspended, ShopSuspended, TooManyKeys, MadeAlready.
    """
    if livemode and not access.livemode:
        raise InsufficientScope(param="livemode")
    draft = _within(access, checked(access, draft))
    require_running(lock_keys_of(access.organization))
    if public_id is not None and ApiKey.objects.filter(public_id=public_id).exists():
        raise MadeAlready
    require_room(access.organization)
    key, secret = create_api_key(
        access.organization,
        livemode=livemode,
        created_by=access.user,
        public_id=public_id,
        **draft.key_fields,
    )
    ledger.set_key_limits(key.pk, **draft.limits)
    details = _details(draft, [name for name in draft.changed(Draft()) if name != "name"])
    record_by(access, AuditAction.KEY_CREATED, subject=key.actor, livemode=livemode, **details)
    return key, secret


@transaction.atomic
def change(access: Access, key: ApiKey, draft: Draft, was: Draft) -> None:
    """`was`: what `draft` began from. Only what differs between the two is written, so that of two who change
    different things at once neither undoes the other. Raises Invalid, InsufficientScope, KeyEnded, KeyFrozen.
    """
    require_admin_for(access, key)
    require_within(access, key)
    draft = _within(access, checked(access, draft, was))
    row = lock_unended(key)
    if row.frozen_at is not None:
        raise KeyFrozen
    require_admin_for(access, row)
    require_within(access, row)
    names = draft.changed(was)
    if not names:
        return
    own = {name: value for name, value in draft.key_fields.items() if name in names}
    if own:
        ApiKey.objects.filter(pk=row.pk).update(**own)
    limits = {"open_limit" if name == "max_open_tasks" else name for name in names} & draft.limits.keys()
    if limits:
        ledger.set_key_limits(row.pk, **{name: draft.limits[name] for name in limits})
    record_by(access, AuditAction.KEY_CHANGED, subject=key.actor, **_details(draft, names))


@transaction.atomic
def rotate(access: Access, key: ApiKey, overlap: datetime.timedelta) -> tuple[ApiKey, str]:
    """The new key and its secret. Raises InsufficientScope, KeyEnded, TooManyKeys."""
    require_scopes(access, key.scopes)  # who rotates a key holds it afterwards
    require_within(access, key)
    if key.frozen_at is not None:
        overlap = datetime.timedelta(0)
    new, secret = rotate_api_key(key, overlap=overlap, created_by=access.user)
    require_scopes(access, new.scopes)  # as they are by now: somebody may have added one meanwhile
    require_within(access, new)
    record_by(
        access,
        AuditAction.KEY_ROTATED,
        subject=key.actor,
        to=new.actor,
        overlap_seconds=int(overlap.total_seconds()),
    )
    return new, secret


@transaction.atomic
def revoke(access: Access, key: ApiKey) -> None:
    """With effect from the next request in every process. Everybody who manages keys may stop any of them.

    Raises KeyEnded.
    """
    if not revoke_api_key(key):
        raise KeyEnded
    record_by(access, AuditAction.KEY_REVOKED, subject=key.actor)


def require_admin_for(access: Access, key: ApiKey) -> None:
    """Raises InsufficientScope: a key that manages is changed only by those who may manage."""
    if "admin" in key.scopes:
        access.require("admin")


def _within(access: Access, draft: Draft) -> Draft:
    """Raises Invalid."""
    draft, too_wide = narrowed(access, draft)
    if too_wide:
        problem = _("No more than the key that asks has itself.")
        raise Invalid(dict.fromkeys(too_wide, problem))
    return draft


def _details(draft: Draft, names: Iterable[str]) -> dict[str, Any]:
    """For the audit log: numbers and machine words, neither names nor addresses."""
    details: dict[str, Any] = {}
    for name in names:
        value = getattr(draft, name)
        if name == "name":
            details["renamed"] = True
        elif name == "allowed_addresses":
            details["allowed_addresses"] = len(value)
        elif name == "scopes":
            details["scopes"] = list(value)
        else:
            details[name] = value.isoformat() if isinstance(value, datetime.datetime) else value
    return details
