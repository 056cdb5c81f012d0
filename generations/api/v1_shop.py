"""Version 1 of the API, what it says of the shop and of money: models, prices, balance, usage."""

import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access, access_of
from accounts.api import json_object
from accounts.api_v1 import V1View, day, list_data
from accounts.clock import read_db_now
from accounts.documented import documented
from accounts.errors import InvalidField
from billing import reads
from generations import catalogue, ordering, reports, routing
from generations.api import v1_schemas as schemas
from generations.api.v1_fields import parse_v1
from generations.request import MAX_N

USUAL_DAYS, MOST_DAYS = 30, 366


class ModelsView(V1View):
    @documented("list_models", "List models and prices", tag="Shop and money", answer=schemas.MODELS)
    def get(self, request: Request) -> Response:
        access = access_of(request)
        offered = catalogue.on_sale(access.organization.shop_id)
        data = [_model_data(access, slug, price) for slug, price in offered]
        return Response(list_data(data))


class EstimateView(V1View):
    @documented(
        "estimate",
        "Ask what an order would cost",
        tag="Shop and money",
        body=schemas.CREATE,
        example=schemas.ORDER,
        answer=schemas.ESTIMATE,
    )
    def post(self, request: Request) -> Response:
        """What the same body would cost as an order, and whether there is enough for it now."""
        access = access_of(request)
        price = ordering.price_of(access, parse_v1(json_object(request)))
        balance = reads.balance(access.organization.pk)
        if not access.livemode:
            price = 0  # and nothing is held
        affordable = price == 0 or (balance.owed == 0 and price <= balance.available)
        return Response({"price_credits": price, "available": balance.available, "affordable": affordable})


class BalanceView(V1View):
    @documented("read_balance", "Read the balance", tag="Shop and money", answer=schemas.BALANCE)
    def get(self, request: Request) -> Response:
        """The organization's, whatever the mode of the key. `images`: how many of the usual model it is enough for, as
        pages show it: where that one is not sold, of the first that is; 0 where none is.
        """
        organization = access_of(request).organization
        balance = reads.balance(organization.pk)
        price = catalogue.usual_price(organization.shop_id)
        return Response(
            {
                "available": balance.available,
                "held": balance.held,
                "owed": balance.owed,
                "images": balance.available // price if price else 0,
            }
        )


class UsageView(V1View):
    parameters = frozenset({"group_by", "start", "end"})

    @documented(
        "read_usage",
        "Read usage",
        tag="Shop and money",
        parameters=schemas.USAGE_PARAMETERS,
        answer=schemas.USAGE,
    )
    def get(self, request: Request) -> Response:
        """Whole days (UTC) from `start` to `end`, both included; the last 30 unless said."""
        access = access_of(request)
        start, end = _days_in(request)
        rows = reports.usage(
            access.organization, livemode=access.livemode, start=start, end=end, by=_groups_in(request)
        )
        return Response(list_data([row.data for row in rows]))


def _model_data(access: Access, slug: str, price: int) -> dict[str, Any]:
    return {
        "id": slug,
        "object": "model",
        "price_credits": price,
        "sizes": [f"{width}x{height}" for width, height in routing.offer(access, slug)],
        "max_n": MAX_N,
    }


def _days_in(request: Request) -> tuple[datetime.date, datetime.date]:
    end = day(request.GET.get("end"), "end") or read_db_now().date()
    start = day(request.GET.get("start"), "start")
    if start is None:
        start = end - datetime.timedelta(days=USUAL_DAYS - 1)
    if start > end:
        raise InvalidField(_("start is later than end"), param="start")
    if (end - start).days >= MOST_DAYS:
        raise InvalidField(_("At most 366 days at once"), param="start")
    return start, end


def _groups_in(request: Request) -> frozenset[str]:
    text = request.GET.get("group_by")
    groups = text.split(",") if text else []
    if text == "" or not set(groups) <= reports.GROUPS or len(set(groups)) < len(groups):
        raise InvalidField(_("group_by is any of day, key and model, separated by commas"), param="group_by")
    return frozenset(groups)
