"""What every page of a member does before its own work."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from accounts import staff, terms
from accounts.access import Access, access_of_user, only_looking
from accounts.errors import DomainError, NotFound
from accounts.models import StandIn, User
from accounts.names import isolated
from accounts.origin import origin_of
from accounts.roles import Right
from accounts.shops import shop_id_of, shop_of
from accounts.signing.beginning import may_begin_at

Arguments = ParamSpec("Arguments")
CHOSEN = "organization"  # in the session: its slug
OWN_ACCOUNT = "/account/"


def member_page(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """Hands the view an Access that may read. Others are sent to the sign-in, told that they belong nowhere, or asked
    to accept the terms first. A form names the organization that it was opened for, templates by
    accounts/for_organization.html; raises OtherOrganization when that is not this one, or none.
    """
    return _page(view, asks_terms=True)


def way_out(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """The same for pages that lead away, which are open also to those who do not accept the terms."""
    return _page(view, asks_terms=False)


def _page(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse], *, asks_terms: bool
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    @wraps(view)
    @never_cache
    def page(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return go_through(request, resolve_url(settings.LOGIN_URL))
        try:
            access = current_access(request, user)
        except NotFound:
            return no_organization(request, user)
        access.require("read")
        if asks_terms and stand_in_of(request) is None and terms.outstanding(user, access.organization.shop):
            return go_through(request, reverse("terms"))
        if request.method == "POST" and request.POST.get("for") != access.organization.slug:
            raise OtherOrganization(access.organization.name)
        return view(request, access, *args, **kwargs)

    return page


def right_page(
    right: Right,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse]],
    Callable[Concatenate[HttpRequest, Arguments], HttpResponse],
]:
    """A member page for those who have this right. Raises InsufficientScope."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
        @member_page
        @wraps(view)
        def page(
            request: HttpRequest, access: Access, /, *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> HttpResponse:
            access.require_right(right)
            return view(request, access, *args, **kwargs)

        return page

    return decorate


def no_organization(request: HttpRequest, user: User) -> HttpResponse:
    """For who belongs to none of this shop's, as those do who only work at its desk."""
    may_begin = may_begin_at(shop_of(request), user)
    context = {"may_begin": may_begin, "works_here": staff.works_here(request)}
    return render(request, "accounts/no_organization.html", context, status=403)


class OtherOrganization(DomainError):
    """A form was opened for an organization that is not the chosen one any more, as with two of them in two tabs; or
    does not say for which.
    """

    type, status = "other_organization", 409

    def __init__(self, name: str) -> None:
        super().__init__()
        words = _(
            "That page was opened for another organization, so nothing was changed. This one is %(name)s."
        )
        self.message = words % {"name": isolated(name)}


def current_access(request: HttpRequest, user: User) -> Access:
    """The organization that this session last chose, else the person's oldest. Raises NotFound: they have none."""
    origin, shop_id = origin_of(request), shop_id_of(request)
    stand_in = stand_in_of(request)
    if stand_in is not None:
        access = access_of_user(user, shop_id, stand_in.organization.slug, origin=origin)
        return only_looking(access, stand_in.operator_actor)
    chosen = request.session.get(CHOSEN)
    if chosen is not None:
        with suppress(NotFound):  # they are no longer in it
            return access_of_user(user, shop_id, chosen, origin=origin)
    return access_of_user(user, shop_id, origin=origin)


def stand_in_of(request: HttpRequest) -> StandIn | None:
    """Of an operator who looks at this page in a member's place, who is then `request.user`."""
    found: StandIn | None = getattr(request, "standing_in", None)
    return found


def go_through(request: HttpRequest, path: str) -> HttpResponse:
    """To a page that leads back here when it is done with."""
    try:
        page = urlsplit(request.headers["HX-Current-URL"]).path
    except (KeyError, ValueError):  # absent, or no address at all such as "http://["
        # What was sent is lost on the way, and its address may not be one to look at.
        is_page = request.method in ("GET", "HEAD")
        here = request.get_full_path() if is_page else resolve_url(settings.LOGIN_REDIRECT_URL)
        return redirect_to_login(here, path)
    # A fragment cannot hold another page: the whole one goes there, and comes back.
    return HttpResponseClientRedirect(redirect_to_login(page, path)["Location"])


def target_of(request: HttpRequest) -> str:
    """Where `next` wants to go, when that is a path of this shop."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_path_of_ours(wanted) else resolve_url(settings.LOGIN_REDIRECT_URL)


def is_path_of_ours(url: str) -> bool:
    """No host is allowed, so only paths pass: the Host header is the client's to choose."""
    return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)


def own_account(request: HttpRequest) -> dict[str, Any]:
    """For templates of pages about one's own account, which are open to people without an organization: `access`,
    looked up when it is used.
    """
    if not request.path.startswith(OWN_ACCOUNT):
        return {}
    return {"access": cache(lambda: access_or_none(request))}


def access_or_none(request: HttpRequest) -> Access | None:
    """None for who is not signed in, or belongs nowhere."""
    user = request.user
    with suppress(NotFound):
        return current_access(request, user) if isinstance(user, User) else None
    return None
