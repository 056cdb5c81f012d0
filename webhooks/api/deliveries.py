"""`/api/v1/webhook-deliveries`: what was sent, what became of it, and sending it again."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import access_of
from accounts.api import json_object
from accounts.api_v1 import (
    LIST_PARAMETERS,
    V1View,
    any_moment,
    known_fields,
    list_data,
    no_fields,
    page_by_id,
)
from accounts.documented import PAGE, documented, listing
from accounts.errors import InvalidField, MissingField, NotFound
from webhooks import service
from webhooks.api import schemas
from webhooks.api.shapes import attempt_data, delivery_data
from webhooks.errands import body_of
from webhooks.event_types import EVENT_TYPES, TEST
from webhooks.models import DeliveryState

NOT_AN_ENDPOINT = _("endpoint is the id of an endpoint; GET /api/v1/webhook-endpoints lists them")


def _not_one_of(known: Iterable[str], param: str) -> InvalidField:
    words = {"field": param, "known": ", ".join(known)}
    return InvalidField(_("%(field)s is one of %(known)s") % words, param=param)


class DeliveriesView(V1View):
    required_scope = "admin"
    parameters = LIST_PARAMETERS | {"endpoint", "status", "event"}

    @documented(
        "list_deliveries",
        "List deliveries",
        tag="Webhooks",
        description="Newest first.",
        parameters=(*schemas.FILTERS, *PAGE),
        answer=listing(schemas.DELIVERY),
    )
    def get(self, request: Request) -> Response:
        """Newest first. `?endpoint=we_…`, `?status=`, `?event=`; `?limit=` 1–100, `?cursor=`."""
        access = access_of(request)
        rows = service.deliveries_of(access)
        endpoint, status, event = (request.GET.get(name) for name in ("endpoint", "status", "event"))
        if endpoint is not None:
            if not service.ENDPOINT_ID.fullmatch(endpoint):
                raise InvalidField(NOT_AN_ENDPOINT, param="endpoint")
            rows = rows.filter(endpoint__public_id=endpoint)
        if status is not None:
            if status not in DeliveryState.values:
                raise _not_one_of(DeliveryState.values, "status")
            rows = rows.filter(status=status)
        if event is not None:
            if event not in (*EVENT_TYPES, TEST):
                raise _not_one_of((*EVENT_TYPES, TEST), "event")
            rows = rows.filter(event__type=event)
        shown, cursor = page_by_id(request, rows, known=service.deliveries_of(access))
        return Response(list_data([delivery_data(one) for one in shown], cursor))


class DeliveryView(V1View):
    required_scope = "admin"

    @documented(
        "read_delivery",
        "Read a delivery",
        tag="Webhooks",
        description="With every try, and the body as it would be sent now.",
        parameters=[schemas.DELIVERY_ID],
        answer=schemas.ONE_DELIVERY,
    )
    def get(self, request: Request, delivery_id: str) -> Response:
        """With `attempts`, and `body` as it would be sent now; null when it is gone for good."""
        delivery = service.find_delivery(access_of(request), delivery_id)
        attempts = delivery.attempts.order_by("number")
        more = {"attempts": [attempt_data(one) for one in attempts], "body": body_of(delivery)}
        return Response(delivery_data(delivery) | more)


class ReplayView(V1View):
    required_scope = "admin"
    needs_no_body = True

    @documented(
        "replay_delivery",
        "Send a delivery again",
        tag="Webhooks",
        description="Under its own id; the schedule begins anew.",
        parameters=[schemas.DELIVERY_ID],
        body=schemas.NOTHING,
        body_required=False,
        answer=schemas.DELIVERY,
        errors=[service.EndpointDisabled, service.EndpointDeleted],
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        """Sends it again under its own id, and the schedule begins anew."""
        access = access_of(request)
        delivery = service.find_delivery(access, delivery_id)
        no_fields(request)
        service.replay(access, delivery)
        return Response(delivery_data(service.find_delivery(access, delivery_id)))


class ReplayFailedView(V1View):
    required_scope = "admin"

    @documented(
        "replay_failed",
        "Send again what failed",
        tag="Webhooks",
        body=schemas.REPLAY_FAILED,
        example={"since": "2026-11-28T00:00:00Z"},
        answer=schemas.REPLAYED,
        errors=[NotFound, service.EndpointDisabled],
    )
    def post(self, request: Request) -> Response:
        """`since`: all that were made since then and failed; `endpoint`: those of this one alone."""
        access = access_of(request)
        body = known_fields(json_object(request), {"since", "endpoint"})
        if body.get("since") is None:
            raise MissingField(param="since")
        since = any_moment(body["since"], "since")
        wanted = body.get("endpoint")
        if wanted is not None and not isinstance(wanted, str):
            raise InvalidField(NOT_AN_ENDPOINT, param="endpoint")
        endpoint = None if wanted is None else service.find_endpoint(access, wanted)
        return Response({"replayed": service.replay_failed(access, since, endpoint=endpoint)})
