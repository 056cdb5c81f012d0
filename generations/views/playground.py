"""The playground: order an image in the browser, watch it being made, see it."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.errors import DomainError, RateLimited, Unavailable
from accounts.models import Role
from accounts.pages import member_page
from accounts.rates import ask_to_create
from accounts.standing import require_running
from accounts.throttling import limiter
from billing.errors import TooManyOpenTasks
from generations import ordering, retention, wording
from generations.errors import AlreadyEnded, NotOnSale
from generations.forms import TEST, PlaygroundForm, idempotency_key, shown, to_remember
from generations.models import OPEN, Generation, Status, Takedown
from generations.request import ASPECT_RATIOS, MAX_N, MAX_PROMPT, OUTPUT_FORMATS
from generations.views import bench
from generations.views.finding import find, in_mode
from generations.views.pictures import latest, pictures_of

ENDPOINT = "playground"
LATEST = 8
LATEST_AMONG = 100
REMEMBERED = "playground"  # in the session: what the form held last, but for the prompt
OPEN_RETRY_S = 2
# What an order may be refused for; anything else is an error page.
REFUSED_STATUS = (400, 402, 403, 409, 429, 503)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def playground(request: HttpRequest, access: Access) -> HttpResponse:
    """The form, as it was left. `?again=<task>` fills it as that one was made, `?vary=<task>` with another seed,
    `?prompt=<words>` with a suggestion.
    """
    if request.method == "POST":
        return _order(request, access)
    again, vary = request.GET.get("again"), request.GET.get("vary")
    if again or vary:
        like = find(access, again or vary or "", with_model=True)
        fields = shown(like=like, seed="drawn" if again else "new") | {"is_filled": True}
        return _page(request, access, fields=fields, like=like)
    remembered = request.session.get(REMEMBERED)
    fields = shown(prompt=request.GET.get("prompt", ""), remembered=remembered)
    return _page(request, access, fields=fields, is_fresh=True)


def _order(request: HttpRequest, access: Access) -> HttpResponse:
    models = bench.sold(access)
    form = PlaygroundForm(request.POST, models=[offer.slug for offer in models])
    access = in_mode(access, form.livemode)
    try:
        _require_may_order(access)
        if not models:
            raise NotOnSale
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
    if request.session.get(REMEMBERED) != (choices := to_remember(form)):
        request.session[REMEMBERED] = choices
    return redirect("task", task_id=generation.task_id)


def _require_may_order(access: Access) -> None:
    access.require("generate")
    require_running(access.organization)
    decision = limiter().take(ask_to_create(access))
    if not decision.allowed:
        raise RateLimited(retry_after=decision.retry_after_s, limit_source=decision.bucket.source)
    if not access.livemode:
        _require_room_in_sandbox(access)


def _require_room_in_sandbox(access: Access) -> None:
    """Nothing is held for a free run, so the wallet does not count those that are open. Two at the same moment may both
    pass: they cost nobody anything.
    """
    mine = Generation.objects.visible_to(access).unended().filter(user=access.user, key=None)
    if mine.count() >= settings.MAX_OPEN_TASKS:
        raise TooManyOpenTasks(retry_after=OPEN_RETRY_S)


@require_safe
@member_page
def task(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """The same page with one order beside the form. Raises NotFound for another organization's."""
    generation = find(access, task_id, with_model=True)
    return _page(request, access, fields=shown(like=generation), generation=generation)


@require_safe
@member_page
def progress(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """What htmx asks for about once a second; `?seen=<status>.<percent>` is what the page shows already."""
    generation = find(access, task_id, with_model=True)
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
        context |= bench.money(access, bench.sold(access), shown(like=generation))
    return render(request, "generations/progress.html", context)


@require_POST
@member_page
def cancel(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    access.require("generate")
    with suppress(AlreadyEnded):  # the page tells how it ended
        ordering.cancel(find(access, task_id))
    return redirect("task", task_id=task_id)


# --- What the templates need --------------------------------------------------------------------


def _page(
    request: HttpRequest,
    access: Access,
    *,
    fields: dict[str, Any],
    generation: Generation | None = None,
    like: Generation | None = None,
    notice: wording.Notice | None = None,
    status: int = 200,
    is_fresh: bool = False,
) -> HttpResponse:
    """`generation`: shown beside the form. `like`: another one that the form is filled as."""
    models = bench.sold(access)
    unsold = ""
    if not models:
        notice = wording.nothing_sold()
    elif fields["model"] not in {offer.slug for offer in models}:
        ordered = like or generation
        unsold = ordered.model.name if ordered else ""
        fields["model"] = models[0].slug
    if is_fresh and models:
        fields["mode"] = bench.suggested_mode(access, models, fields)
    shown_mode = in_mode(access, fields["mode"] != TEST)
    context = {
        "access": access,
        "here": "playground",
        "role_name": Role(access.role).label if access.role else "",
        "fields": fields,
        "notice": notice,
        "unsold": unsold,
        "shapes": [bench.shape(ratio) for ratio in ASPECT_RATIOS],
        "formats": OUTPUT_FORMATS,
        "counts": range(1, MAX_N + 1),
        "models": models,
        "max_prompt": MAX_PROMPT,
        "ideas": bench.IDEAS,
        "latest": latest(shown_mode, LATEST, among=LATEST_AMONG),
        **bench.money(access, models, fields),
    }
    if generation is not None:
        context |= _task_context(access, generation)
    return render(request, "generations/playground.html", context, status=status)


def _task_context(access: Access, generation: Generation) -> dict[str, Any]:
    context: dict[str, Any] = {
        "generation": generation,
        "is_open": generation.status in OPEN,
        "state": _state(generation),
        "frame": "tall" if generation.height > generation.width else "wide",
        "frames": range(generation.n),
    }
    if generation.status == Status.SUCCEEDED:
        now, days = read_db_now(), retention.days_of(access.organization)
        images = list(generation.images.order_by("index"))
        context["pictures"] = pictures_of(generation, images, now, days)
        context |= bench.code(access, generation)
        if not context["pictures"]:
            context["deleted_at"] = images[0].gone_at(days)
            context["is_taken_down"] = Takedown.objects.filter(image__in=images).exists()
    elif generation.has_ended:
        context["failure"] = wording.failure(generation)
    return context


def _state(generation: Generation) -> str:
    return f"{generation.status}.{generation.progress}"
