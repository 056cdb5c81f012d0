"""What the pages of money have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.access import Access
from accounts.errors import RateLimited
from accounts.gcra import Ask, Bucket, Rate
from accounts.pages import member_page
from accounts.throttling import limiter

Arguments = ParamSpec("Arguments")
# Each asks Stripe for something, so nobody may let us ask without end.
ASKING = Rate("stripe", per_minute=12, burst=12)


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
        return leads_to_stripe(view(request, access, *args, **kwargs))

    return page


def leads_to_stripe(response: HttpResponse) -> HttpResponse:
    """Browsers ask the policy of the page that holds a form, also where an answer sends them on."""
    response._csp_update = {"form-action": [SELF, *settings.STRIPE_PAGES]}  # type: ignore[attr-defined]  # django-csp's
    return response


def count_asking(access: Access) -> None:
    """Raises RateLimited."""
    bucket = Bucket(f"organization:{access.organization.pk}", ASKING, "organization")
    decision = limiter().take(Ask((bucket,)))
    if not decision.allowed:
        raise RateLimited(retry_after=decision.retry_after_s, limit_source="organization")
