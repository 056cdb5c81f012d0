"""What an organization has made: a grid without end, and each order in full, with its receipt."""

import datetime
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import cursors, newest_first
from accounts.access import Access
from accounts.audit import record_by
from accounts.clock import read_db_now
from accounts.errors import InvalidField, NotFound
from accounts.models import ApiKey, AuditAction
from accounts.newest_first import Wanted
from accounts.pages import member_page
from generations import receipts, retention, wording
from generations.api.shapes import images_of_all
from generations.forms import TEST, DayField
from generations.models import OPEN, Generation, Status, Takedown
from generations.views import bench
from generations.views.finding import find, in_mode
from generations.views.pictures import pictures_of

LISTED = "gallery"
A_PAGE = 24
LAST_DAYS = 7  # an image that is kept no longer than this says so
TEXT_LENGTH = 100
PEOPLE = "people"  # orders that were made on the pages, by no key


class WantedForm(forms.Form):
    """What of the gallery is to be shown. Empty fields ask for nothing."""

    text = forms.CharField(label=_("Words of the prompt"), required=False, max_length=TEXT_LENGTH)
    mode = forms.ChoiceField(
        label=_("Paid with"),
        required=False,
        choices=[("", _("Credits")), (TEST, _("Free: tests, samples"))],
        initial="",
    )
    status = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All")), *Status.choices], initial=""
    )
    key = forms.ChoiceField(label=_("Made by"), required=False)
    since = DayField(label=_("From"))
    until = DayField(label=_("To"))

    def __init__(self, *args: Any, keys: list[ApiKey], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(key.public_id, key.name or key.prefix) for key in keys]
        self._keys = {key.public_id: key for key in keys}
        field = cast(forms.ChoiceField, self.fields["key"])
        field.choices = [("", _("Everybody")), (PEOPLE, _("People, on these pages")), *named]

    def wanted(self) -> Wanted:
        """Of a valid form. Days are whole ones, in UTC, both included."""
        asked, condition = self.cleaned_data, Q()
        if asked["text"]:
            condition &= Q(prompt__icontains=asked["text"])
        if asked["status"]:
            condition &= Q(status=asked["status"])
        if asked["key"] == PEOPLE:
            condition &= Q(key=None)
        elif asked["key"]:
            condition &= Q(key=self._keys[asked["key"]])
        until = asked["until"] and _start_of(asked["until"] + datetime.timedelta(days=1))
        return Wanted(condition, asked["since"] and _start_of(asked["since"]), until)


def _start_of(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


@require_safe
@member_page
def gallery(request: HttpRequest, access: Access) -> HttpResponse:
    """A page of it; htmx asks for those that follow, and gets no more than the new part."""
    access = in_mode(access, request.GET.get("mode") != TEST)
    keys = list(access.organization.api_keys.filter(livemode=access.livemode).order_by("-pk"))
    form = WantedForm(request.GET, keys=keys)
    filters = urlencode({name: request.GET[name] for name in form.fields if request.GET.get(name)})
    context: dict[str, Any] = {"access": access, "here": "gallery", "form": form, "filters": filters}
    if not form.is_valid():
        return render(request, "generations/gallery.html", context, status=400)
    cursor = request.GET.get("cursor")
    try:
        position = cursors.read(access, LISTED, cursor)
    except InvalidField:  # an old bookmark, from before a secret was changed
        return redirect("gallery")
    # Also the page after this one, for which the grid keeps its places.
    found = newest_first.page(
        Generation.objects.visible_to(access), limit=2 * A_PAGE, position=position, wanted=form.wanted()
    )
    rows, to_come = found.rows[:A_PAGE], found.rows[A_PAGE:]
    now, days = read_db_now(), retention.days_of(access.organization)
    images = images_of_all(rows)
    next_cursor = cursors.make(access, LISTED, rows[-1].pk if to_come else found.position)
    context |= {
        "tiles": [_tile(row, images.get(row.pk, []), now, days) for row in rows],
        "older": next_cursor and f"{reverse('gallery')}?{filters and filters + '&'}cursor={next_cursor}",
        "to_come": range(len(to_come)),
        "is_first": cursor is None,
        "may_order": "generate" in access.scopes and not access.is_suspended,
        "is_sandbox": not access.livemode,
    }
    is_part = "HX-Request" in request.headers
    return render(request, "generations/tiles.html" if is_part else "generations/gallery.html", context)


def _tile(generation: Generation, images: list[Any], now: datetime.datetime, days: int) -> dict[str, Any]:
    kept = pictures_of(generation, images, now, days)
    goes_in = min((image.gone_at(days) - now for image in images if image.is_kept(now, days)), default=None)
    return {
        "generation": generation,
        "picture": kept[0] if kept else None,
        "more": len(kept) - 1,
        "days_left": goes_in.days + 1 if goes_in is not None and goes_in.days < LAST_DAYS else None,
        "is_gone": generation.status == Status.SUCCEEDED and not kept,
    }


@require_safe
@member_page
def detail(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """One order in full. Raises NotFound for another organization's."""
    generation = find(access, task_id, with_model=True)
    now, days = read_db_now(), retention.days_of(access.organization)
    images = list(generation.images.order_by("index"))
    has_failed = generation.has_ended and generation.status != Status.SUCCEEDED
    receipt = receipts.receipt_data(generation)
    context = {
        "access": access,
        "here": "gallery",
        "generation": generation,
        "pictures": pictures_of(generation, images, now, days),
        "is_open": generation.status in OPEN,
        "receipt": receipt,
        "has_others_between": _has_others_between(receipt),
        "seconds": _seconds(generation.created_at, generation.finished_at),
        "working_seconds": _seconds(generation.started_at, generation.finished_at),
        "gone_at": images[0].gone_at(days) if images else None,
        "is_taken_down": bool(images) and Takedown.objects.filter(image__in=images).exists(),
        "failure": wording.failure(generation) if has_failed else None,
        "may_order": "generate" in access.scopes and not access.is_suspended,
    }
    if generation.status == Status.SUCCEEDED:
        context |= bench.code(access, generation)
    return render(request, "generations/detail.html", context)


def _has_others_between(receipt: dict[str, Any]) -> bool:
    """Whether the balances of a receipt differ by more than it charged: through other orders, or credits that came or
    went.
    """
    before, after, settlement = (
        receipt[name] for name in ("available_before", "available_after", "settlement")
    )
    return bool(settlement) and None not in (before, after) and before - settlement["consumed"] != after


def _seconds(since: datetime.datetime | None, until: datetime.datetime | None) -> float | None:
    return None if since is None or until is None else max(0.0, (until - since).total_seconds())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def delete(request: HttpRequest, access: Access, task_id: str) -> HttpResponse:
    """Asks once, then removes the images and what was written for them. What was paid stays paid. Raises NotFound, also
    while the order is open: it can be canceled.
    """
    access.require("generate")
    generation = find(access, task_id)
    if not generation.has_ended:
        raise NotFound
    if request.method != "POST":
        count = generation.images.filter(deleted_at=None).count()
        now, days = read_db_now(), retention.days_of(access.organization)
        pictures = pictures_of(generation, generation.images.order_by("index"), now, days)
        context = {
            "access": access,
            "here": "gallery",
            "generation": generation,
            "count": count,
            "pictures": pictures,
        }
        return render(request, "generations/delete.html", context)
    is_done = retention.delete_images([generation.pk])
    retention.forget_prompts([generation.pk])
    record_by(access, AuditAction.IMAGES_DELETED, task=generation.task_id)
    return redirect("gallery") if is_done else redirect("gallery_task", task_id=task_id)
