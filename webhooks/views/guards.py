"""Who may open the pages of webhooks."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from accounts.access import Access
from accounts.errors import OrganizationSuspended, Unavailable
from accounts.pages import member_page
from accounts.roles import Right
from webhooks import service

Arguments = ParamSpec("Arguments")
# What a page says on top of itself.
REFUSALS = (
    OrganizationSuspended,
    Unavailable,
    service.EndpointDeleted,
    service.EndpointDisabled,
    service.TooManyEndpoints,
)


def webhooks_manager(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """A member page for those who set up webhooks."""

    @member_page
    @wraps(view)
    def page(
        request: HttpRequest, access: Access, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        access.require_right(Right.WEBHOOKS)
        return view(request, access, *args, **kwargs)

    return page
