"""The playground: order an image in the browser, watch it being made, see it."""

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.errors import DomainError, OrganizationSuspended, RateLimited, Unavailable
from accounts.models import Role
from accounts.pages import member_page
from accounts.rates import ask_to_create
from accounts.throttling import limiter
from billing import reads
from generations import ordering, retention, wording
from generations.catalogue import DEFAULT_MODEL
from generations.errors import AlreadyEnded
from generations.forms import PlaygroundForm, idempotency_key, shown
from generations.models import OPEN, Generation, Status, Takedown, price_now
from generations.request import ASPECT_RATIOS, MAX_PROMPT, OUTPUT_FORMATS
from generations.views.pictures import latest, pictures_of

ENDPOINT = "playground"
LATEST = 8
LATEST_AMONG = 100
TILE_PX, TILE_INNER_PX = 32, 28  # a shape's icon, and the longer side of what it shows
# What an order may be refused for; anything else is an error page.
REFUSED_STATUS = (400, 402, 403, 409, 429, 503)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def playground(request: HttpRequest, access: Access) -> HttpResponse:
    """The form; `?again=<task>` fills it as that one was made, `?prompt=<words>` with a suggestion."""
    if request.method == "POST":
        return _order(request, access)
    again = request.GET.get("again")
    like = Generation.find(access, again) if again else None
    return _page(request, access, fields=shown(like=like, seed=True, prompt=request.GET.get("prompt", "")))


def _order(request: HttpRequest, access: Access) -> HttpResponse:
    form = PlaygroundForm(request.POST)
    try:
        _require_may_order(access)
        if not form.is_valid():
            return _page(request, access, fields=shown(form), status=400)
        image_request = form.image_request
        key = idempotency_key(request.POST.get("order_token", ""), image_request, ENDPOINT)
        generation = ordering.order(access, image_request, endpoint=ENDPOINT, idempotency_key=key)
    except DomainError as error:
        if error.status not in REFUSED_STATUS or type(error) is Unavailable:
            raise
        notice = wording.refusal(error, access)
        response = _page(request, access, fields=shown(form), notice=notice, status=error.status)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
        return response
    return redirect("task", task_id=generation.task_id)


def _require_may_order(access: Access) -> None:
    access.require("generate")
    if access.organization.suspended_at is not None:
        raise OrganizationSuspended
    decision = limiter().take(ask_to_create(access))
    if not decision.allowed:
        raise RateLimited(retry_after=decision.retry_after_s, limit_source=decision.bucket.source)


@require_safe
@member_page
def task(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """The same page with one order beside the form. Raises NotFound for another organization's."""
    generation = Generation.find(access, task_id)
    return _page(request, access, fields=shown(like=generation), generation=generation)


@require_safe
@member_page
def progress(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """What htmx asks for about once a second; `?seen=<status>.<percent>` is what the page shows already."""
    generation = Generation.find(access, task_id)
    if "HX-Request" not in request.headers:
        return redirect("task", task_id=task_id)
    seen = request.GET.get("seen", "")
    if seen == _state(generation):
        return HttpResponse(status=204)
    context = {
        **_task_context(access, generation),
        "access": access,
        "is_update": True,
        "is_news": seen.partition(".")[0] != generation.status,
    }
    if generation.has_ended:
        context |= _money_context(access)
    return render(request, "generations/progress.html", context)


@require_POST
@member_page
def cancel(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    access.require("generate")
    with suppress(AlreadyEnded):  # the page tells how it ended
        ordering.cancel(Generation.find(access, task_id))
    return redirect("task", task_id=task_id)


# --- What the templates need --------------------------------------------------------------------


def _page(
    request: HttpRequest,
    access: Access,
    *,
    fields: dict[str, Any],
    generation: Generation | None = None,
    notice: wording.Notice | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "access": access,
        "here": "playground",
        "role_name": Role(access.role).label if access.role else "",
        "fields": fields,
        "notice": notice,
        "shapes": [_shape(ratio) for ratio in ASPECT_RATIOS],
        "formats": OUTPUT_FORMATS,
        "max_prompt": MAX_PROMPT,
        "latest": latest(access, LATEST, among=LATEST_AMONG),
        **_money_context(access),
    }
    if generation is not None:
        context |= _task_context(access, generation)
    return render(request, "generations/playground.html", context, status=status)


def _shape(ratio: str) -> dict[str, Any]:
    """A ratio with its icon, a rectangle in the middle of a square."""
    sides = ASPECT_RATIOS[ratio]
    width, height = (TILE_INNER_PX * side // max(sides) for side in sides)
    return {
        "ratio": ratio,
        "pixels": f"{sides[0]}×{sides[1]}",
        "width": width,
        "height": height,
        "x": (TILE_PX - width) // 2,
        "y": (TILE_PX - height) // 2,
    }


def _money_context(access: Access) -> dict[str, Any]:
    balance = reads.balance(access.organization.pk)
    _model_id, price = price_now(access.organization.shop_id, DEFAULT_MODEL)
    return {
        "balance": balance,
        "price": price,
        "available_after": balance.available - price,
        "may_order": "generate" in access.scopes and access.organization.suspended_at is None,
    }


def _task_context(access: Access, generation: Generation) -> dict[str, Any]:
    context: dict[str, Any] = {
        "generation": generation,
        "is_open": generation.status in OPEN,
        "state": _state(generation),
        "frame": "tall" if generation.height > generation.width else "wide",
    }
    if generation.status == Status.SUCCEEDED:
        now, days = read_db_now(), retention.days_of(access.organization)
        images = list(generation.images.order_by("index"))
        context["pictures"] = pictures_of(generation, images, now, days)
        if not context["pictures"]:
            context["deleted_at"] = images[0].gone_at(days)
            context["is_taken_down"] = Takedown.objects.filter(image__in=images).exists()
    elif generation.has_ended:
        context["failure"] = wording.failure(generation)
    return context


def _state(generation: Generation) -> str:
    return f"{generation.status}.{generation.progress}"
