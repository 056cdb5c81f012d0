"""Who gets to the desk, through the shop's own sign-in; and what is wrong, on top of every page."""

from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, autodiscover, site
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import shops, staff
from accounts.desk.base import FORM_METHODS, Notice
from accounts.desk.pages import DeskPage
from accounts.desk.pages import pages as pages_of_desk
from accounts.desk.scope import is_platform, lost_choice, scope_of
from accounts.models import User
from accounts.signing import second_factor
from accounts.views.signing import sign_out
from billing import notices as of_money
from config import pages
from config.desk import shown, today
from generations import notices as of_images

if TYPE_CHECKING:
    DeskBase = AdminSite
else:
    from unfold.sites import UnfoldAdminSite as DeskBase


class DeskSite(DeskBase):
    """Nobody but active staff learns that there is anything here: the platform's at its own address, a shop's at that
    shop's. Tries to sign in are limited as everywhere. With settings.STAFF_SECOND_FACTOR a password alone opens no page
    of it.
    """

    index_template = "admin/today.html"
    index_title = gettext_lazy("Today")

    def has_permission(self, request: HttpRequest) -> bool:
        return staff.admit(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if self.has_permission(request):
                first = _second_factor_first(request) or _choice_is_lost(request)
                return first or inner(request, *args, **kwargs)
            if request.user.is_authenticated:
                raise Http404
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)

        return update_wrapper(guarded, inner)

    def extra_urls(self) -> list[URLPattern]:
        return [path(page.path, self.admin_view(_of(page)), name=page.name) for page in pages_of_desk]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """No form of the desk asks for it, and it would count rows."""
        raise Http404

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Unfold's keeps what it found for a person, whatever they may see by now."""
        return redirect("admin:find")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**today.context(request), **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The shop's own, in place of a form that would count no tries."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise Http404
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), settings.LOGIN_URL)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Likewise."""
        return redirect("account_change_password")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return sign_out(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if not self.has_permission(request):
            return context
        found: list[Notice] = [*_notices(request)]
        return {**context, "desk_notices": found, **shown.context(request)}


def _notices(request: HttpRequest) -> Iterator[Notice]:
    """Of the shops that are shown, and for a shop's staff of what they may open."""
    scope, is_theirs = scope_of(request), not is_platform(request)
    user = request.user
    yield from _standing(request, scope)
    if not is_theirs:
        yield from of_money.notices(scope)
        yield from of_images.notices(scope)
    elif isinstance(user, User):
        if user.has_perm("billing.view_payment"):
            yield from of_money.notices(scope, books_too=False)
        if user.has_perm("generations.view_upstream"):
            yield from of_images.notices(scope)


def _standing(request: HttpRequest, scope: int | None) -> Iterator[Notice]:
    """That the shop which is shown stands still: who works there would wonder why nothing comes in."""
    shop = None if scope is None else shops.by_id(scope)
    if shop is None or shop.closed_at is not None:
        return
    may_read = isinstance(request.user, User) and request.user.has_perm("accounts.view_auditevent")
    path = reverse("admin:accounts_auditevent_changelist" if may_read else "admin:index")
    if shop.closes_at is not None:
        words = _(
            "Nobody can order, buy or open an account there any more. Its members can fetch what is theirs until"
            " %(day)s, then it is closed for good. Who began that, and why, stands in the audit log."
        )
        day = date_format(shop.closes_at, "DATE_FORMAT")
        yield Notice(_("%(name)s is being closed.") % {"name": shop.name}, words % {"day": day}, path)
    elif shop.suspended_at is not None:
        advice = _(
            "Nobody can order, buy or open an account there until the platform resumes it. Why it did so stands in the"
            " audit log."
        )
        yield Notice(_("%(name)s is suspended.") % {"name": shop.name}, advice, path)


def _of(page: DeskPage) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if page.platform_alone and not is_platform(request):
            raise Http404
        if not page.is_for(request):
            raise PermissionDenied
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        return page.view(request, *args, **kwargs)

    return view


def furnish() -> None:
    """Finds what is registered, also by libraries, and takes off what is nothing for a desk. Once a process."""
    autodiscover()
    site.unregister(Group)
    # Tokens, secrets and other people's sessions.
    for model in list(site._registry):
        if model._meta.app_config.name.startswith("allauth."):
            site.unregister(model)


def _second_factor_first(request: HttpRequest) -> HttpResponse | None:
    """Where staff set one up, or show it; None for who has shown it in this session. What was sent is not kept."""
    user = request.user
    if not settings.STAFF_SECOND_FACTOR or not isinstance(user, User):
        return None
    if not second_factor.has_one(user):
        return redirect("mfa_index")  # which says why
    if second_factor.was_shown(request, user):
        return None
    here = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("admin:index")
    return redirect(f"{second_factor.path_to_show_it(user)}?{urlencode({'next': here})}")


def _choice_is_lost(request: HttpRequest) -> HttpResponse | None:
    """Back to the first page, where all shops are shown: what was sent was meant for the one that is gone."""
    if not lost_choice(request):
        return None
    words = _("The shop that you had chosen is not there any more, so all are shown. Nothing was changed.")
    messages.warning(request, words)
    return redirect("admin:index")


# --- What settings.UNFOLD names -----------------------------------------------------------------


def shop_name(request: HttpRequest) -> str:
    return str(pages.shop_context(request)["brand"]().name)


def subheader(request: HttpRequest) -> str:
    return _("The operator's desk")


def shows_history(request: HttpRequest) -> bool:
    return is_platform(request)


def favicon(request: HttpRequest) -> str:
    return reverse("icon", args=[pages.shop_context(request)["brand"]().accent])


def stylesheet(request: HttpRequest) -> str:
    return static("css/desk.css")
