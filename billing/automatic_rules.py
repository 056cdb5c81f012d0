"""What customers wish of automatic top-up: switched on by them, off by them or by what happened.

What it buys is automatic.py's; this asks nobody, so that whatever books money may stop it.
"""

import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts.access import Access
from accounts.audit import record
from accounts.clock import db_now
from accounts.models import AuditAction, Organization
from billing.models import AutoTopUp, CreditPack, StoppedReason
from billing.news import tell_money_people
from billing.stripe_gateway import credentials

WISH_LASTS = datetime.timedelta(hours=24)  # as long as the page of Stripe that saves the card
AT_ONCE = 50


def switch_on(
    access: Access, *, threshold: int, pack: CreditPack, cap_minor: int | None, is_on: bool = True
) -> AutoTopUp:
    """A new version, which forgets earlier failures. `is_on` False keeps the wishes until there is a saved card."""
    wishes: dict[str, Any] = {
        "is_on": is_on,
        "waits_for_card": not is_on,
        "threshold": threshold,
        "pack": pack,
        "cap_minor": cap_minor,
        "actor": access.actor,
        "armed_at": db_now(),
        "stopped_reason": "",
        "told_month": None,
        "due_at": db_now(),
        "tries": 0,
        "refusals": 0,
    }
    rule, _created = AutoTopUp.objects.update_or_create(
        organization=access.organization,
        defaults=wishes | {"version": F("version") + 1},
        create_defaults=wishes,
    )
    rule.refresh_from_db()
    return rule


@transaction.atomic
def card_was_saved(rule: AutoTopUp) -> bool:
    """Whether what was wished with this version is in force now, by us or by somebody who was faster."""
    if credentials.has_tax(rule.organization.shop_id):
        return False
    same = AutoTopUp.objects.filter(pk=rule.pk, version=rule.version)
    waiting = same.filter(waits_for_card=True, armed_at__gt=db_now() - WISH_LASTS)
    if waiting.update(is_on=True, waits_for_card=False, due_at=db_now()):
        _record(rule.organization, rule.actor, "on")
        return True
    return same.filter(is_on=True).exists()


def switch_off(organization_id: int) -> bool:
    """Nothing more is bought. What was charged already is still credited."""
    rules = AutoTopUp.objects.filter(Q(is_on=True) | Q(waits_for_card=True), organization_id=organization_id)
    return bool(rules.update(is_on=False, waits_for_card=False))


@transaction.atomic
def stop(organization_id: int, reason: StoppedReason, *, version: int | None = None) -> bool:
    """Off until somebody switches it on again; told if it was on. A wish that waits for a card is given up as well.

    `version`: unless it was changed since then.
    """
    rules = AutoTopUp.objects.filter(organization_id=organization_id)
    if version is not None:
        rules = rules.filter(version=version)
    off: dict[str, Any] = {"is_on": False, "waits_for_card": False, "stopped_reason": reason}
    if not rules.filter(is_on=True).update(**off):
        rules.filter(waits_for_card=True).update(**off)
        return False
    organization = Organization.objects.select_related("shop").get(pk=organization_id)
    context = {"reason": reason.label, "why": reason.value}
    tell_money_people(organization, "automatic_stopped", context)
    _record(organization, "system", "off", reason=reason.value)
    return True


def _record(organization: Organization, actor: str, word: str, reason: str = "") -> None:
    record(
        organization, AuditAction.BILLING_CHANGED, actor=actor, automatic_top_up=word, reason=reason or None
    )


def stop_for_tax() -> int:
    """How many were stopped: a charge without a page knows neither an address nor its tax."""
    taxed = credentials.asks_for_tax("organization__shop")
    found = AutoTopUp.objects.filter(taxed, Q(is_on=True) | Q(waits_for_card=True))
    organization_ids = list(found.values_list("organization_id", flat=True)[:AT_ONCE])
    return sum(stop(organization_id, StoppedReason.TAX) for organization_id in organization_ids)
