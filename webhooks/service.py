"""What is done to endpoints and deliveries, by people and by keys: one transaction each, with a line in the audit log.

A key acts in its own mode: with a test key one sees and makes endpoints of test mode alone. People see both.
"""

import datetime
import re
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import sealing
from accounts.access import Access, hold
from accounts.audit import record_by
from accounts.clock import db_now
from accounts.errors import DomainError, InvalidField, NotFound, Unavailable
from accounts.models import AuditAction
from accounts.sealing import Unreadable
from accounts.standing import require_running
from webhooks import doorbell, secrets, settling
from webhooks.addresses import checked
from webhooks.event_types import EVENT_TYPES, TEST
from webhooks.models import DeliveryState, DisabledReason, WebhookDelivery, WebhookEndpoint
from webhooks.models.deliveries import WebhookDeliveryQuerySet
from webhooks.publishing import publish_to

MAX_ENDPOINTS = 20  # of an organization, in each mode
ENDPOINT_ID = re.compile(r"we_[0-9a-f]{24}")
DELIVERY_ID = re.compile(r"msg_[0-9a-f]{24}")


class TooManyEndpoints(DomainError):
    type, status = "too_many_endpoints", 409
    message = gettext_lazy("Your organization has as many endpoints as it may have. Delete one")


class EndpointDisabled(DomainError):
    type, status = "endpoint_disabled", 409
    message = gettext_lazy("This endpoint is switched off, so nothing is sent to it. Enable it first")


class EndpointDeleted(DomainError):
    type, status = "endpoint_deleted", 409
    message = gettext_lazy("The endpoint that this was for was deleted, so it cannot be sent again")


# --- Finding --------------------------------------------------------------------------------------


def all_endpoints_of(access: Access) -> "QuerySet[WebhookEndpoint]":
    """The deleted ones too."""
    found = WebhookEndpoint.objects.filter(organization=access.organization)
    return found if access.key is None else found.filter(livemode=access.livemode)


def endpoints_of(access: Access) -> "QuerySet[WebhookEndpoint]":
    return all_endpoints_of(access).filter(deleted_at=None)


def deliveries_of(access: Access) -> "WebhookDeliveryQuerySet":
    """Those of deleted endpoints too."""
    found = WebhookDelivery.objects.filter(organization=access.organization)
    found = found if access.key is None else found.filter(livemode=access.livemode)
    return found.select_related("endpoint", "event")


def find_endpoint(access: Access, public_id: str) -> WebhookEndpoint:
    """Raises NotFound, also for another organization's."""
    found = endpoints_of(access).filter(public_id=public_id) if ENDPOINT_ID.fullmatch(public_id) else None
    endpoint = found.first() if found is not None else None
    if endpoint is None:
        raise NotFound
    endpoint.organization = access.organization
    return endpoint


def find_delivery(access: Access, public_id: str) -> WebhookDelivery:
    """Raises NotFound, also for another organization's."""
    found = deliveries_of(access).filter(public_id=public_id) if DELIVERY_ID.fullmatch(public_id) else None
    delivery = found.first() if found is not None else None
    if delivery is None:
        raise NotFound
    return delivery


# --- Endpoints ----------------------------------------------------------------------------------


def create(
    access: Access, *, url: object, events: object, livemode: bool, public_id: str | None = None
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret. Looks the address up, so not inside a transaction.

    `public_id`: chosen when a form was shown, so that sending it twice makes one endpoint.
    Raises InvalidField, TooManyEndpoints, OrganizationSuspended; Unavailable while too many addresses are looked up.
    """
    _may_have_sent(access)
    chosen = checked_events(events)
    url = checked(url, share=f"organization:{access.organization.pk}")
    secret = secrets.new_secret()
    with transaction.atomic():
        hold(access.organization)  # of many at once, no more than may be get through
        if public_id is not None:
            made = WebhookEndpoint.objects.filter(public_id=public_id, organization=access.organization)
            if (earlier := made.first()) is not None:
                return earlier, ""
        of_mode = WebhookEndpoint.objects.filter(
            organization=access.organization, livemode=livemode, deleted_at=None
        )
        if of_mode.count() >= MAX_ENDPOINTS:
            raise TooManyEndpoints
        endpoint = WebhookEndpoint(
            organization=access.organization,
            livemode=livemode,
            url=url,
            events=chosen,
            sealed_secret=sealing.seal(secret),
        )
        if public_id is not None:
            endpoint.public_id = public_id
        endpoint.save()
        endpoint.refresh_from_db(fields=["created_at"])
        _record(access, AuditAction.WEBHOOK_CREATED, endpoint, livemode=livemode, events=chosen)
    return endpoint, secret


def change(access: Access, endpoint: WebhookEndpoint, changes: dict[str, Any]) -> None:
    """`changes`: some of `url`, `events`, `enabled`; what is not named stays. Looks a new address up.

    Enabling forgives what failed before. Raises InvalidField, NotFound; for a new address and to enable also what
    create() raises.
    """
    sets: dict[str, Any] = {}
    details: dict[str, Any] = {}
    if "url" in changes and changes["url"] != endpoint.url:
        _may_have_sent(access)
        url = checked(changes["url"], share=f"organization:{access.organization.pk}")
        sets |= {"url": url, "failing_since": None}  # a new address has not failed yet
        details["url_changed"] = True
    if "events" in changes and (events := checked_events(changes["events"])) != endpoint.events:
        sets["events"] = details["events"] = events
    enabled = changes.get("enabled", endpoint.enabled)
    if not isinstance(enabled, bool):
        raise InvalidField(_("enabled is true or false"), param="enabled")
    if enabled and not endpoint.enabled:
        _may_have_sent(access)
        sets |= {"enabled": True, "disabled_reason": "", "failing_since": None}
        details["enabled"] = True
    if not enabled and endpoint.enabled:
        sets |= {"enabled": False, "disabled_reason": DisabledReason.BY_HAND}
        details["enabled"] = False
    if not sets:
        return
    with transaction.atomic():
        if not WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).update(**sets):
            raise NotFound
        if not enabled:
            settling.end_pending(endpoint.pk)
        _record(access, AuditAction.WEBHOOK_CHANGED, endpoint, **details)


@transaction.atomic
def delete(access: Access, endpoint: WebhookEndpoint) -> None:
    """Its log stays for as long as logs are kept. Raises NotFound when somebody was faster."""
    there = WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None)
    erased = {"url": "", "sealed_secret": "", "sealed_old_secret": "", "old_secret_until": None}
    if not there.update(enabled=False, disabled_reason="", deleted_at=db_now(), **erased):
        raise NotFound
    settling.end_pending(endpoint.pk)
    _record(access, AuditAction.WEBHOOK_DELETED, endpoint)


@transaction.atomic
def rotate(access: Access, endpoint: WebhookEndpoint) -> str:
    """The new secret; the one before signs as well for secrets.OVERLAP. Raises NotFound."""
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, deleted_at=None).exists():
        raise NotFound
    _record(access, AuditAction.WEBHOOK_SECRET_ROTATED, endpoint)
    return secrets.rotate(endpoint)


@transaction.atomic
def rotate_default(access: Access) -> str:
    """Of the secret for the `webhook_url` of orders."""
    record_by(access, AuditAction.WEBHOOK_SECRET_ROTATED)
    return secrets.rotate(secrets.feed_of(access.organization.pk))


def reveal(access: Access, endpoint: WebhookEndpoint | None) -> str:
    """The secret; None: that for the `webhook_url` of orders. Raises Unavailable when no key opens it any more."""
    try:
        secret = (
            secrets.default_secret(access.organization)
            if endpoint is None
            else sealing.unseal(endpoint.sealed_secret)
        )
    except Unreadable:
        raise Unavailable(_("This secret cannot be read any more. Rotate it to get a new one")) from None
    if endpoint is None:
        record_by(access, AuditAction.WEBHOOK_SECRET_SHOWN)
    else:
        _record(access, AuditAction.WEBHOOK_SECRET_SHOWN, endpoint)
    return secret


def send_test(access: Access, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Raises EndpointDisabled, OrganizationSuspended."""
    _may_have_sent(access)
    if not endpoint.enabled:
        raise EndpointDisabled
    return publish_to(endpoint, TEST, {"endpoint": endpoint.public_id, "message": "It works."})


def _may_have_sent(access: Access) -> None:
    """What its orders lead to a suspended organization is told; but it has nothing sent as it likes."""
    require_running(access.organization)


def checked_events(events: object) -> list[str]:
    """As they are kept: known, each once, in the order of the docs. Raises InvalidField."""
    known = ", ".join(EVENT_TYPES)
    if not isinstance(events, list) or not all(isinstance(one, str) for one in events):
        raise InvalidField(_("A list with at least one of %(known)s.") % {"known": known}, param="events")
    if not events or not set(events) <= set(EVENT_TYPES):
        raise InvalidField(_("At least one of %(known)s.") % {"known": known}, param="events")
    return [one for one in EVENT_TYPES if one in events]


def _record(access: Access, action: AuditAction, endpoint: WebhookEndpoint, **details: Any) -> None:
    record_by(access, action, subject=endpoint.public_id, **details)


# --- Sending again ------------------------------------------------------------------------------


@transaction.atomic
def replay(access: Access, delivery: WebhookDelivery) -> None:
    """It is sent again under its own id, whatever became of it before, and also when it is being sent at the moment.

    Raises EndpointDisabled, EndpointDeleted, OrganizationSuspended.
    """
    _may_have_sent(access)
    endpoint = delivery.endpoint
    if endpoint is not None and endpoint.deleted_at is not None:
        raise EndpointDeleted
    if endpoint is not None and not endpoint.enabled:
        raise EndpointDisabled
    _send_again(WebhookDelivery.objects.filter(pk=delivery.pk))
    record_by(access, AuditAction.WEBHOOK_REPLAYED, subject=delivery.public_id)


@transaction.atomic
def replay_failed(
    access: Access, since: datetime.datetime, *, endpoint: WebhookEndpoint | None = None
) -> int:
    """How many that were made since then and failed are sent again. Raises EndpointDisabled, OrganizationSuspended."""
    _may_have_sent(access)
    if endpoint is not None and not endpoint.enabled:
        raise EndpointDisabled
    failed = deliveries_of(access).filter(
        Q(endpoint=None) | Q(endpoint__enabled=True), status=DeliveryState.FAILED, created_at__gte=since
    )
    if endpoint is not None:
        failed = failed.filter(endpoint=endpoint)
    chosen = WebhookDelivery.objects.filter(
        pk__in=failed.order_by().values("pk"), status=DeliveryState.FAILED
    )
    count = _send_again(chosen)
    subject = endpoint.public_id if endpoint is not None else ""
    record_by(access, AuditAction.WEBHOOK_REPLAYED, subject=subject, count=count)
    return count


def _send_again(deliveries: "QuerySet[WebhookDelivery]") -> int:
    """What is being sent at the moment goes on under its claim, and is sent once more after that."""
    count = deliveries.update(
        status=DeliveryState.PENDING,
        step=0,
        replays=F("replays") + 1,
        next_attempt_at=db_now(),
        finished_at=None,
    )
    transaction.on_commit(doorbell.ring)
    return count
