"""Version 1 of the API, what it does with generations: plain resources, and nothing unknown is let pass."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import newest_first
from accounts.access import Access, access_of
from accounts.api import idempotency_key, json_object
from accounts.api_keys import KEY_ID
from accounts.api_v1 import LIST_PARAMETERS, V1View, limit_in, list_of, moment, no_fields, position_in
from accounts.documented import IDEMPOTENCY_KEY, documented, listing
from accounts.errors import InvalidField
from accounts.newest_first import Wanted
from generations import ordering, receipts
from generations.api import v1_schemas as schemas
from generations.api.schemas import ORDER_ERRORS
from generations.api.shapes import generation_data, images_of, images_of_all
from generations.api.v1_fields import parse_v1
from generations.catalogue import DEFAULT_MODEL
from generations.errors import AlreadyEnded, TooLateToCancel, UnknownModel
from generations.models import Generation, ImageModel, Status

ENDPOINT = "v1.generations"
LISTED = "generations"
PATH = "/api/v1/generations"


class GenerationsView(V1View):
    required_scope = "read"
    required_scopes = {"POST": "generate"}
    creates = frozenset({"POST"})
    parameters = LIST_PARAMETERS | {"status", "model", "key", "created_after", "created_before"}

    @documented(
        "list_generations",
        "List generations",
        tag="Generations",
        description="Newest first. With a filter a page may hold fewer than `limit`, even none, while more follow.",
        parameters=schemas.FILTERS,
        answer=listing(schemas.GENERATION),
    )
    def get(self, request: Request) -> Response:
        """Newest first. With a filter a page may hold fewer than `limit`, even none, while more pages follow."""
        access = access_of(request)
        page = newest_first.page(
            Generation.objects.visible_to(access).select_related("model"),
            limit=limit_in(request),
            position=position_in(request, LISTED),
            wanted=_wanted(access, request),
        )
        images = images_of_all(page.rows)
        data = [generation_data(row, images.get(row.pk, ()), owner=access.organization) for row in page.rows]
        return Response(list_of(access, LISTED, data, page.position))

    @documented(
        "create_generation",
        "Order images",
        tag="Generations",
        body=schemas.CREATE,
        example=schemas.ORDER,
        parameters=[IDEMPOTENCY_KEY],
        answer=schemas.GENERATION,
        answer_headers={"Location": "The path at which to ask for it."},
        errors=ORDER_ERRORS,
    )
    def post(self, request: Request) -> Response:
        access = access_of(request)
        order = parse_v1(json_object(request))
        generation = ordering.order(
            access, order, endpoint=ENDPOINT, idempotency_key=idempotency_key(request)
        )
        data = _answer(access, generation, order.model or DEFAULT_MODEL)
        return Response(data, headers={"Location": f"{PATH}/{generation.task_id}"})


class GenerationView(V1View):
    @documented(
        "read_generation",
        "Read a generation",
        tag="Generations",
        parameters=[schemas.TASK_ID],
        answer=schemas.GENERATION,
    )
    def get(self, request: Request, task_id: str) -> Response:
        access = access_of(request)
        return Response(_answer(access, Generation.find(access, task_id, with_model=True)))


class CancelView(V1View):
    required_scope = "generate"
    needs_no_body = True

    @documented(
        "cancel_generation",
        "Cancel a generation",
        tag="Generations",
        description="Frees what is held for it. The body may be missing.",
        body=schemas.NOTHING,
        body_required=False,
        parameters=[schemas.TASK_ID],
        answer=schemas.GENERATION,
        errors=[AlreadyEnded, TooLateToCancel],
    )
    def post(self, request: Request, task_id: str) -> Response:
        """The canceled generation; 409 once it has ended, or when it is too late to stop it."""
        no_fields(request)
        access = access_of(request)
        ordering.cancel(Generation.find(access, task_id))
        return Response(_answer(access, Generation.find(access, task_id, with_model=True)))


class ReceiptView(V1View):
    @documented(
        "read_receipt",
        "Read a receipt",
        tag="Generations",
        parameters=[schemas.TASK_ID],
        answer=schemas.RECEIPT,
    )
    def get(self, request: Request, task_id: str) -> Response:
        return Response(receipts.receipt_data(Generation.find(access_of(request), task_id)))


def _answer(access: Access, generation: Generation, model: str = "") -> dict[str, Any]:
    return generation_data(generation, images_of(generation), owner=access.organization, model=model)


def _wanted(access: Access, request: Request) -> Wanted:
    """Raises InvalidField, also for a model or key that is not there: an empty list would hide the mistake."""
    asked, condition = request.GET, Q()
    if (status := asked.get("status")) is not None:
        if status not in Status.values:
            raise InvalidField(_("status is queued, running, succeeded, failed or canceled"), param="status")
        condition &= Q(status=status)
    if (model := asked.get("model")) is not None:
        ids = dict(ImageModel.objects.values_list("slug", "pk"))
        if model not in ids:
            raise UnknownModel(param="model")
        condition &= Q(model=ids[model])
    if (key := asked.get("key")) is not None:
        keys = access.organization.api_keys.filter(livemode=access.livemode)
        found = keys.filter(public_id=key).first() if KEY_ID.fullmatch(key) else None
        if found is None:
            raise InvalidField(_("There is no such key; GET /api/v1/keys lists them"), param="key")
        condition &= Q(key=found)
    return Wanted(
        condition,
        since=moment(asked.get("created_after"), "created_after"),
        until=moment(asked.get("created_before"), "created_before"),
    )
