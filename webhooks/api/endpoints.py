"""`/api/v1/webhook-endpoints`, for programs that have a key with the scope `admin`; each key sees its own mode."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import access_of
from accounts.api import json_object
from accounts.api_v1 import LIST_PARAMETERS, V1View, known_fields, list_data, no_fields, page_by_id
from accounts.documented import PAGE, documented, listing
from accounts.errors import MissingField
from webhooks import service
from webhooks.api import schemas
from webhooks.api.shapes import delivery_data, endpoint_data


class EndpointsView(V1View):
    required_scope = "admin"
    parameters = LIST_PARAMETERS

    @documented(
        "list_endpoints",
        "List endpoints",
        tag="Webhooks",
        parameters=PAGE,
        answer=listing(schemas.ENDPOINT),
    )
    def get(self, request: Request) -> Response:
        """Newest first. `?limit=` 1–100, `?cursor=` as the answer before gave it."""
        access = access_of(request)
        known = service.all_endpoints_of(access)
        shown, cursor = page_by_id(request, service.endpoints_of(access), known=known)
        return Response(list_data([endpoint_data(one) for one in shown], cursor))

    @documented(
        "create_endpoint",
        "Create an endpoint",
        tag="Webhooks",
        description="It hears of the mode of the key that makes it.",
        body=schemas.CREATE,
        example={"url": "https://example.org/hooks", "events": ["generation.succeeded"]},
        answer=schemas.NEW_ENDPOINT,
        errors=[service.TooManyEndpoints],
    )
    def post(self, request: Request) -> Response:
        """The endpoint, with its secret. It hears of the mode of the key that made it."""
        access = access_of(request)
        body = known_fields(json_object(request), {"url", "events"})
        for field in ("url", "events"):
            if body.get(field) is None:
                raise MissingField(param=field)
        endpoint, secret = service.create(
            access, url=body["url"], events=body["events"], livemode=access.livemode
        )
        return Response(endpoint_data(endpoint) | {"secret": secret})


class EndpointView(V1View):
    required_scope = "admin"

    @documented(
        "read_endpoint",
        "Read an endpoint",
        tag="Webhooks",
        parameters=[schemas.ENDPOINT_ID],
        answer=schemas.ENDPOINT,
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        return Response(endpoint_data(service.find_endpoint(access_of(request), endpoint_id)))

    @documented(
        "change_endpoint",
        "Change an endpoint",
        tag="Webhooks",
        parameters=[schemas.ENDPOINT_ID],
        body=schemas.CHANGE,
        example={"enabled": True},
        answer=schemas.ENDPOINT,
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """What is not named stays. `enabled: true` forgives what failed before."""
        access = access_of(request)
        endpoint = service.find_endpoint(access, endpoint_id)
        service.change(access, endpoint, known_fields(json_object(request), {"url", "events", "enabled"}))
        return Response(endpoint_data(service.find_endpoint(access, endpoint_id)))

    @documented(
        "delete_endpoint",
        "Delete an endpoint",
        tag="Webhooks",
        description="Its deliveries stay in the log.",
        parameters=[schemas.ENDPOINT_ID],
        answer=schemas.DELETED,
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """It is gone; its deliveries stay in the log."""
        access = access_of(request)
        endpoint = service.find_endpoint(access, endpoint_id)
        service.delete(access, endpoint)
        return Response({"id": endpoint.public_id, "object": "endpoint", "deleted": True})


class RotateEndpointView(V1View):
    required_scope = "admin"
    needs_no_body = True

    @documented(
        "rotate_endpoint",
        "Rotate an endpoint's secret",
        tag="Webhooks",
        description="The secret before it signs as well for 24 hours.",
        parameters=[schemas.ENDPOINT_ID],
        body=schemas.NOTHING,
        body_required=False,
        answer=schemas.NEW_ENDPOINT,
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint, with its new secret; the one before signs as well for 24 hours."""
        access = access_of(request)
        endpoint = service.find_endpoint(access, endpoint_id)
        no_fields(request)
        return Response(endpoint_data(endpoint) | {"secret": service.rotate(access, endpoint)})


class TestEndpointView(V1View):
    required_scope = "admin"
    needs_no_body = True

    @documented(
        "test_endpoint",
        "Send a test event",
        tag="Webhooks",
        parameters=[schemas.ENDPOINT_ID],
        body=schemas.NOTHING,
        body_required=False,
        answer=schemas.DELIVERY,
        errors=[service.EndpointDisabled],
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The delivery of an event `webhook.test`."""
        access = access_of(request)
        endpoint = service.find_endpoint(access, endpoint_id)
        no_fields(request)
        delivery = service.send_test(access, endpoint)
        return Response(delivery_data(service.find_delivery(access, delivery.public_id)))
