"""What people read when an order is refused or an image fails: what happened, and what to do next."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from accounts.access import Access
from accounts.errors import DomainError
from generations.errors import NotOnSale
from generations.models import Generation


@dataclass(frozen=True, slots=True)
class Notice:
    """`path`, if any, leads to the page that mends it."""

    title: str
    advice: str
    path: str | None = None


# Machine word -> (what happened, what to do next); "" stands for: try again, after the time that the error names.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "insufficient_credits": (
        gettext_lazy("Not enough credits: an image costs %(required)d, you have %(available)d."),
        gettext_lazy("Get more credits, then try again."),
    ),
    "payment_owed": (
        ngettext_lazy(
            "Your organization owes %(owed)d credit after a refund.",
            "Your organization owes %(owed)d credits after a refund.",
            "owed",
        ),
        gettext_lazy("Settle this first; the Credits page says how."),
    ),
    "too_many_open_tasks": (
        gettext_lazy("Too many images are being made at once."),
        gettext_lazy("Wait until one is done, then try again."),
    ),
    "rate_limited": (gettext_lazy("That was a lot in a short time."), ""),
    "organization_suspended": (
        gettext_lazy("%(name)s is suspended and cannot order images."),
        gettext_lazy("Ask the operator of this shop."),
    ),
    "shop_suspended": (
        gettext_lazy("This shop is closed, so no images can be made."),
        gettext_lazy("What is here can be looked at."),
    ),
    "insufficient_scope": (
        gettext_lazy("Your role may look, but not make images."),
        gettext_lazy("Ask an owner of your organization."),
    ),
    "content_rejected": (
        gettext_lazy("This prompt is against the content rules of this shop. Nothing was charged."),
        gettext_lazy("Change the prompt and try again."),
    ),
    "unavailable": (gettext_lazy("No images can be made at the moment. Nothing was charged."), ""),
    "idempotency_in_flight": (gettext_lazy("This order is already on its way."), ""),
}
CLOSING = (
    gettext_lazy("%(name)s is being deleted, so no images can be made."),
    gettext_lazy("An owner can take that back."),
)
FAILURES: dict[str, tuple[Any, Any]] = {
    "canceled": (
        gettext_lazy("Canceled."),
        gettext_lazy("The prompt is still in the form, should you want the image after all."),
    ),
    "content_rejected": (
        gettext_lazy("The prompt, or what came of it, was refused by the content rules."),
        gettext_lazy("Change the prompt and try again."),
    ),
    "invalid_request": (
        gettext_lazy("The image service did not accept this combination."),
        gettext_lazy("Try another shape or format."),
    ),
    "timeout": (gettext_lazy("It took too long, so we stopped it."), gettext_lazy("Try again.")),
    "upstream_unavailable": (
        gettext_lazy("The image service did not answer."),
        gettext_lazy("Try again in a few minutes."),
    ),
    "generation_failed": (
        gettext_lazy("The image could not be made."),
        gettext_lazy("Try again; if it keeps failing, change the prompt."),
    ),
}


def refusal(error: DomainError, access: Access) -> Notice:
    """Of an order that was not accepted."""
    title, advice = REFUSALS.get(error.type, (error.message, ""))
    if error.type == "insufficient_scope" and access.organization.closing_at is not None:
        title, advice = CLOSING
    facts = {"name": access.organization.name, **error.details}
    return Notice(title % facts, str(advice) or _try_again(error.retry_after), error.fix_path)


def nothing_sold() -> Notice:
    """Of a shop that has no price for any model."""
    return Notice(str(NotOnSale.title), str(NotOnSale.advice))


def _try_again(wait_s: int | None) -> str:
    if wait_s is None:
        return _("Try again.")
    words = ngettext("Try again in %(count)d second.", "Try again in %(count)d seconds.", wait_s)
    return words % {"count": wait_s}


def failure(generation: Generation) -> Notice:
    """Of a generation that failed or was canceled; every one of these cost nothing."""
    title, advice = FAILURES.get(generation.error_type, FAILURES["generation_failed"])
    return Notice(str(title), str(advice))
