"""Why an order ended as it did, for operators: its attempts, the upstreams' own words, and the wallet's entries."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import reads
from billing.reads import Entry
from generations.models import Attempt, Generation, Status
from generations.upstream_checks import amount

# What an outcome means, and whether it was the end of the order or another try followed.
OUTCOMES: dict[str, Any] = {
    "": gettext_lazy("Under way"),
    "ok": gettext_lazy("Made it"),
    "busy": gettext_lazy("Was full, or asked to wait"),
    "limited": gettext_lazy("Took no more of our orders for a while"),
    "account": gettext_lazy("Refused our account: credential or rights"),
    "funds": gettext_lazy("Refused us, since our balance there is used up"),
    "rejected": gettext_lazy("Refused the prompt, or what came of it"),
    "invalid": gettext_lazy("Did not accept the request"),
    "timeout": gettext_lazy("Gave no answer in time"),
    "canceled": gettext_lazy("Canceled, at no cost"),
    "failed": gettext_lazy("Failed"),
    "orphan": gettext_lazy("Nobody could say what became of it; what it may have cost is booked"),
    "canceled_cost": gettext_lazy("Canceled by the customer, and billed all the same"),
    "late": gettext_lazy("Came after the order had ended"),
    "not_stored": gettext_lazy("The images could not be stored: no room, or the storage was away"),
    "unknown": gettext_lazy("Its worker never said"),
}
WHY: dict[str, Any] = {
    "canceled": gettext_lazy("The customer canceled it, or left the shop."),
    "content_rejected": gettext_lazy("An upstream refused the prompt, or what came of it."),
    "invalid_request": gettext_lazy("An upstream did not accept the request: look at its words below."),
    "timeout": gettext_lazy("Its deadline passed before there was an image."),
    "upstream_unavailable": gettext_lazy(
        "No upstream took it: all that can make it were full, refused our account or were closed off."
    ),
    "generation_failed": gettext_lazy("No upstream could make it: their words are below."),
}


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt. Seconds: until it was accepted, and until its outcome was known; None while that is not."""

    attempt: Attempt
    words: str
    upstream: str
    path: str
    upstream_path: str
    accepted_s: float | None
    took_s: float | None
    cost: str
    possible_cost: str


@dataclass(frozen=True, slots=True)
class Story:
    title: str
    why: str
    tries: Sequence[Try]
    entries: Sequence[Entry]
    waited_s: float | None
    took_s: float | None
    cost: str
    income: str
    is_bad: bool


def story_of(generation: Generation) -> Story:
    attempts = Attempt.objects.filter(generation=generation).select_related("upstream").order_by("number")
    rows = list(attempts)
    currency = generation.organization.shop.currency.upper()
    entries = reads.entries_of(generation.reference)
    income_micros = -sum(entry.value_micros for entry in entries if entry.kind == "capture")
    return Story(
        title=str(Status(generation.status).label),
        why=_why(generation, rows),
        tries=[_try(attempt, currency) for attempt in rows],
        entries=entries,
        waited_s=_seconds(generation.created_at, generation.started_at),
        took_s=_seconds(generation.created_at, generation.finished_at),
        cost=_money(sum(attempt.cost_micros for attempt in rows), currency),
        income=_money(income_micros, currency),
        is_bad=generation.status == Status.FAILED,
    )


def _why(generation: Generation, attempts: Sequence[Attempt]) -> str:
    if generation.status == Status.QUEUED:
        if not attempts:
            return _("Nobody has taken it up yet.")
        return _("It waits for another try; the last one ended as the table says.")
    if generation.status == Status.RUNNING:
        return _("It is being made.")
    if generation.status == Status.SUCCEEDED:
        return _("It was delivered, and charged for what was delivered.")
    why = str(WHY.get(generation.error_type, WHY["generation_failed"]))
    if not attempts and generation.error_type == "generation_failed":
        why = _("No attempt was made.")
    if generation.error_type == "timeout" and not attempts:
        why += " " + _("Nobody ever took it up: were workers and beat alive?")
    return f"{why} {_('It cost the customer nothing.')}"


def outcome_words(attempt: Attempt) -> str:
    return str(OUTCOMES.get(attempt.outcome, attempt.outcome))


def _try(attempt: Attempt, currency: str) -> Try:
    upstream = attempt.upstream
    return Try(
        attempt,
        words=outcome_words(attempt),
        upstream=upstream.name if upstream else _("this house (%(name)s)") % {"name": attempt.provider},
        path=reverse("admin:generations_attempt_change", args=[attempt.pk]),
        upstream_path=reverse("admin:generations_upstream_change", args=[upstream.pk]) if upstream else "",
        accepted_s=_seconds(attempt.submitted_at, attempt.accepted_at),
        took_s=_seconds(attempt.submitted_at, attempt.finished_at),
        cost=_money(attempt.cost_micros, currency),
        possible_cost=_money(attempt.possible_cost_micros, currency),
    )


def _seconds(since: datetime.datetime | None, until: datetime.datetime | None) -> float | None:
    return None if since is None or until is None else round((until - since).total_seconds(), 2)


def _money(micros: int, currency: str) -> str:
    return f"{amount(micros):f} {currency}"
