"""What the pages of money have in common."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.constants import SELF
from django.http import HttpRequest, HttpResponse

from accounts.access import Access
from accounts.errors import NotFound, RateLimited
from accounts.gcra import Ask, Bucket, Rate
from accounts.pages import member_page
from accounts.standing import require_running
from accounts.throttling import limiter
from billing.models import Payment
from billing.stripe_gateway import credentials

Arguments = ParamSpec("Arguments")
# Each asks Stripe for something, so nobody may let us ask without end.
ASKING = Rate("stripe", per_minute=12, burst=12)
RETURNING = Rate("stripe_return", per_minute=12, burst=30)
ID = re.compile(r"\w{1,255}", re.ASCII)
MAX_NUMBER_DIGITS = 18


def money_page(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """A member page for those who handle the organization's money; its forms may lead to Stripe's pages."""

    @member_page
    @wraps(view)
    def page(
        request: HttpRequest, access: Access, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        access.require_money()
        return leads_to_stripe(access, view(request, access, *args, **kwargs))

    return page


def payments_page(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """A money page that a shop without payments does not have."""

    @money_page
    @wraps(view)
    def page(
        request: HttpRequest, access: Access, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        if credentials.of_shop(access.organization.shop_id) is None:
            raise NotFound
        return view(request, access, *args, **kwargs)

    return page


def leads_to_stripe(access: Access, response: HttpResponse) -> HttpResponse:
    """Browsers ask the policy of the page that holds a form, also where an answer sends them on."""
    found = credentials.of_shop(access.organization.shop_id)
    pages = found.pages if found is not None else ()
    response._csp_update = {"form-action": [SELF, *pages]}  # type: ignore[attr-defined]  # django-csp's
    return response


def require_not_suspended(access: Access) -> None:
    """Nobody buys what they may not use."""
    require_running(access.organization)


def count_asking(access: Access) -> None:
    """Raises RateLimited."""
    bucket = Bucket(f"organization:{access.organization.pk}", ASKING, "organization")
    decision = limiter().take(Ask((bucket,)))
    if not decision.allowed:
        raise RateLimited(retry_after=decision.retry_after_s, limit_source="organization")


def may_look_at(payment: Payment) -> bool:
    """Apart from the other questions: who comes back from paying is never turned away for them."""
    bucket = Bucket(f"payment:{payment.pk}", RETURNING, "organization")
    return limiter().take(Ask((bucket,))).allowed


def payment_of(access: Access, *, session_id: str = "", public_id: str = "") -> Payment:
    """By one of its ids, as somebody sent it. Raises NotFound, also for another organization's."""
    sent = session_id or public_id
    if not ID.fullmatch(sent):
        raise NotFound
    named = {"session_id": sent} if session_id else {"public_id": sent}
    payment = Payment.objects.filter(organization=access.organization, **named).first()
    if payment is None:
        raise NotFound
    return payment


def number_in(text: str) -> int | None:
    """A row's number, as somebody sent it."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS
    return int(text) if is_number else None
