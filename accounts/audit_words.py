"""What events of the audit log hold beside who did what, in words. Pages escape them; files keep the machine words."""

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from accounts import figures
from accounts.models import AuditAction, Role

NOTHING = "–"
# By the name of a detail, or by that of the action and its own.
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "allowed_addresses": gettext_lazy("addresses it may come from"),
        "amount_minor": gettext_lazy("amount in the smallest unit"),
        "automatic_top_up": gettext_lazy("automatic top-up"),
        "burst": gettext_lazy("orders at once"),
        "by": gettext_lazy("by way of"),
        "cap_minor": gettext_lazy("at most a month, in the smallest unit"),
        "count": gettext_lazy("number"),
        "credits": gettext_lazy("credits"),
        "currency": gettext_lazy("currency"),
        "day_cap": gettext_lazy("credits a day at most"),
        "enabled": gettext_lazy("enabled"),
        "events": gettext_lazy("events"),
        "expires_at": gettext_lazy("valid until"),
        "from": pgettext_lazy("a change", "from"),
        "frozen": gettext_lazy("frozen"),
        "invitation": gettext_lazy("invitation"),
        f"{AuditAction.KEY_ROTATED.value}.to": gettext_lazy("new key"),
        "lifetime_cap": gettext_lazy("credits in all at most"),
        "livemode": gettext_lazy("live"),
        "low_balance_mail_below": gettext_lazy("mail below so many credits"),
        "max_open_tasks": gettext_lazy("open orders at most"),
        "method": gettext_lazy("tried with"),
        "methods": gettext_lazy("signed in with"),
        "minutes": gettext_lazy("minutes"),
        "month_cap": gettext_lazy("credits a month at most"),
        "overlap_seconds": gettext_lazy("the earlier key works for"),
        "owed_minor": gettext_lazy("not given back, in the smallest unit"),
        "pack": gettext_lazy("number of the pack"),
        "provider": gettext_lazy("provider"),
        "rate_per_minute": gettext_lazy("orders a minute"),
        "reason": gettext_lazy("reason"),
        "refund": gettext_lazy("number of the refund"),
        "renamed": gettext_lazy("renamed"),
        "role": gettext_lazy("role"),
        "scopes": gettext_lazy("scopes"),
        "sessions": gettext_lazy("sessions"),
        "setting": gettext_lazy("setting"),
        "sha256": "SHA-256",
        "source": gettext_lazy("told by"),
        "task": gettext_lazy("task"),
        "tasks": gettext_lazy("tasks"),
        "threshold": gettext_lazy("below so many credits"),
        "to": pgettext_lazy("a change", "to"),
        "url_changed": gettext_lazy("new address"),
        "what": gettext_lazy("what"),
    }
)
_METHODS: Mapping[str, Any] = MappingProxyType(
    {
        "password": gettext_lazy("password"),
        "recovery_codes": gettext_lazy("recovery code"),
        "totp": gettext_lazy("authenticator app"),
        "webauthn": gettext_lazy("passkey"),
    }
)
_ROLES: Mapping[str, Any] = MappingProxyType({role.value: role.label for role in Role})
VALUES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "automatic_top_up": {
            "off": gettext_lazy("switched off"),
            "on": gettext_lazy("switched on"),
            "waits_for_card": gettext_lazy("waits for a card"),
        },
        "by": {
            "mail": gettext_lazy("a link in a mail"),
            "operator": gettext_lazy("an operator"),
            "password": gettext_lazy("password"),
            "time": gettext_lazy("the time was over"),
        },
        "from": _ROLES,
        "method": _METHODS,
        "methods": _METHODS,
        # Also those that webhooks and automatic top-ups stop for, in the words of their own pages.
        "reason": {
            "by_hand": gettext_lazy("switched off"),
            "declined": gettext_lazy("The card was declined three times"),
            "failing": gettext_lazy("it failed for days"),
            "given_back": gettext_lazy("A payment was given back or disputed"),
            "gone": gettext_lazy("it answered 410 Gone"),
            "leaked": gettext_lazy("found in public"),
            "no_card": gettext_lazy("There is no saved card"),
            "no_pack": gettext_lazy("The pack is no longer sold"),
            "operator": gettext_lazy("an operator"),
            "refusals": gettext_lazy("upstreams refused too many of its prompts"),
            "tax": gettext_lazy("This shop adds taxes, which it can only do on the page where you pay"),
        },
        "role": _ROLES,
        "setting": {"retention_days": gettext_lazy("days that images are kept")},
        "source": {"github": "GitHub", "operator": gettext_lazy("an operator")},
        "to": _ROLES,
        "what": {"audit_log": gettext_lazy("audit log")},
    }
)
_IDS = ("pack", "refund")  # numbers that nobody counts with


def told(action: str, details: Mapping[str, Any]) -> str:
    """ "role: Viewer, invitation: inv_…". What has no words here is shown as it is kept."""
    pair = pgettext("a detail", "%(name)s: %(value)s")
    return figures.listed(
        pair % {"name": _name(action, name), "value": _value(name, value)}
        for name, value in sorted(details.items())
    )


def _name(action: str, name: str) -> str:
    return str(NAMES.get(f"{action}.{name}") or NAMES.get(name, name))


def _value(name: str, value: object) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return _("yes") if value else _("no")
        case list():
            return figures.listed(_word(name, str(one)) for one in value) or NOTHING
        case int() if name == "overlap_seconds":
            return figures.duration(value)
        case int() if name not in _IDS:
            return figures.count(value)
    return _word(name, str(value))


def _word(name: str, text: str) -> str:
    if name == "expires_at":
        return _moment(text)
    return str(VALUES.get(name, {}).get(text, text))


def _moment(text: str) -> str:
    try:
        return f"{figures.moment(datetime.datetime.fromisoformat(text))} UTC"
    except ValueError:
        return text
