"""What the desk calls the columns of tables and what its library says, in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

APPS = ("accounts", "billing", "generations", "webhooks")
# By a column's own name, or by that of its table and its own. Not in the models: there each name would be a migration.
NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "accepted_at": _("accepted at"),
        "accepted_by": _("accepted by"),
        "action": _("what was done"),
        "active": _("active"),
        "actor": _("actor"),
        "attempts": _("tries"),
        "auditevent.subject": _("to whom or what"),
        "available": _("available"),
        "available_after": _("available afterwards"),
        "body": _("what it says"),
        "burst": _("orders at once"),
        "byte_size": _("size in bytes"),
        "card": _("card"),
        "claim": _("times taken up"),
        "closed_at": _("closed at"),
        "closing_at": _("deletion asked for at"),
        "created": _("created at"),
        "created_at": _("created at"),
        "credited": _("credits added"),
        "credits": _("credits"),
        "date_joined": _("joined at"),
        "deadline_at": _("to be done by"),
        "deleted_at": _("deleted at"),
        "detail": _("detail"),
        "details": _("details"),
        "disabled_reason": _("why it is off"),
        "dispatch_after": _("not before"),
        "due_at": _("due at"),
        "email": _("e-mail"),
        "email_confirmed_at": _("address confirmed at"),
        "enabled": _("enabled"),
        "endpoint": _("webhook endpoint"),
        "error": _("error"),
        "error_type": _("kind of error"),
        "event_id": _("ID"),
        "events": _("events"),
        "expires_at": _("valid until"),
        "failing_since": _("failing since"),
        "file_removed_at": _("file removed at"),
        "finished_at": _("ended at"),
        "fraud_warned_at": _("warned of fraud at"),
        "frozen_at": _("frozen at"),
        "height": _("height"),
        "held": _("held"),
        "idempotency_key": _("idempotency key"),
        "image": _("image"),
        "invited_by": _("invited by"),
        "is_active": _("may sign in"),
        "is_staff": _("works for the platform"),
        "kind": _("kind"),
        "last_used_at": _("last used at"),
        "lease_until": _("taken up until"),
        "livemode": _("live"),
        "metadata_text": _("metadata"),
        "model": _("model"),
        "n": _("images ordered"),
        "name": _("name"),
        "next_attempt_at": _("next try at"),
        "open_limit": _("open orders at most"),
        "open_tasks": _("open orders"),
        "organization": _("organization"),
        "organization_number": _("the organization's use number"),
        "output_format": _("file format"),
        "owed": _("owed"),
        "paid_at": _("paid at"),
        "payment": _("payment"),
        "payment_intent_id": _("payment at Stripe"),
        "person_number": _("the person's use number"),
        "polls": _("times asked about"),
        "prefix": _("begins with"),
        "price_credits": _("price in credits"),
        "problem": _("problem"),
        "processed_at": _("processed at"),
        "progress": _("progress in percent"),
        "prompt": _("prompt"),
        "provider": _("provider"),
        "public_id": _("ID"),
        "rate_per_minute": _("orders a minute"),
        "received_at": _("received at"),
        "request_id": _("ID of the request"),
        "requested_seed": _("seed that was asked for"),
        "response_status": _("HTTP status"),
        "resumed_at": _("resumed at"),
        "retry_of": _("made again for"),
        "revoked_at": _("revoked at"),
        "rings": _("times rung for"),
        "role": _("role"),
        "scopes": _("scopes"),
        "seed": _("seed"),
        "sends": _("times sent"),
        "sent_at": _("sent at"),
        "session_id": _("checkout at Stripe"),
        "shop": _("shop"),
        "slug": _("short name"),
        "started_at": _("begun at"),
        "status": _("status"),
        "step": _("step"),
        "subject": _("subject"),
        "submitted": _("handed to an upstream"),
        "submitted_at": _("handed over at"),
        "suspended_at": _("suspended at"),
        "task_id": _("task"),
        "template": _("template"),
        "times_sent": _("times sent"),
        "to": _("recipient"),
        "tries": _("tries"),
        "type": _("type"),
        "upstream": _("upstream"),
        "upstream_task_id": _("ID at the upstream"),
        "url": _("address"),
        "user": _("person"),
        "uuid": _("ID"),
        "valid_from": _("valid from"),
        "voucher": _("voucher"),
        "webhook_url": _("webhook address"),
        "width": _("width"),
    }
)

# One row and several: without these Django takes the name of the class, and adds an "s" to whatever language it is in.
TABLES: Mapping[str, tuple[Any, Any]] = MappingProxyType(
    {
        "accounts.invitation": (_("invitation"), _("invitations")),
        "accounts.membership": (_("membership"), _("memberships")),
        "accounts.operatoralert": (_("alert"), _("alerts")),
        "accounts.shop": (_("shop"), _("shops")),
        "billing.creditpack": (_("credit pack"), _("credit packs")),
        "billing.payment": (_("payment"), _("payments")),
        "billing.redemption": (_("redemption"), _("redemptions")),
        "billing.voucher": (_("voucher"), _("vouchers")),
        "billing.wallet": (_("wallet"), _("wallets")),
        "generations.alarm": (_("alarm"), _("alarms")),
        "generations.attempt": (_("attempt"), _("attempts")),
        "generations.billedday": (_("billed day"), _("billed days")),
        "generations.blockedphrase": (_("blocked phrase"), _("blocked phrases")),
        "generations.gpuworker": (_("GPU worker"), _("GPU workers")),
        "generations.image": (_("image"), _("images")),
        "generations.incident": (_("incident"), _("incidents")),
        "generations.takedown": (_("takedown"), _("takedowns")),
        "generations.upstream": (_("upstream"), _("upstreams")),
        "webhooks.webhookendpoint": (_("webhook endpoint"), _("webhook endpoints")),
    }
)

# The desk's library, Unfold, brings no translations, and Django's do not have these.
OF_THE_LIBRARY = (
    gettext_noop("Choose file to upload"),
    gettext_noop("Click to cancel"),
    gettext_noop("False"),
    gettext_noop("Filters"),
    gettext_noop("Go back"),
    gettext_noop("No results found"),
    gettext_noop("Reset filters"),
    gettext_noop("Run"),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Select value"),
    gettext_noop("This item will be deleted."),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("True"),
    gettext_noop("Type to search"),
)


def name_them() -> None:
    """What the models leave without a name. Once a process, before any form is made of them."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            options = model._meta
            if options.label_lower in TABLES:
                options.verbose_name, options.verbose_name_plural = TABLES[options.label_lower]
            for field in options.local_concrete_fields:
                of_table = f"{options.model_name}.{field.name}"
                name = of_table if of_table in NAMES else field.name
                if name in NAMES and getattr(field, "_verbose_name", None) is None:
                    field.verbose_name = NAMES[name]
