"""What pages about one's own account do before their own work, and others before grave deeds."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.signing import addresses

Arguments = ParamSpec("Arguments")
_KEPT = "form_before_asking"


def own_page(
    view: Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
    """For people who are signed in, whether or not they belong anywhere.

    What a form changes and what the audit log says of it is one transaction. Who signed in long ago is asked who they
    are first; what was sent is not kept meanwhile, since it may be a password.
    """

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
        addresses.ensure(user)
        try:
            if request.method in ("GET", "HEAD"):
                return view(request, *args, **kwargs)
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except ReauthenticationRequired:
            return ask_who_it_is(request, user)

    return page


class OnceMixin:
    """Sent twice at the same moment, it is done once; `once`: where the other one finds it done."""

    once: str

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            with transaction.atomic():
                response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # allauth's, further on
        except IntegrityError:
            return redirect(self.once)
        return response


def asked_first(request: HttpRequest, *, keeps: Iterable[str] = (), back_to: str = "") -> HttpResponse | None:
    """Before a grave deed: None for who showed lately who they are, else where they do so.

    `keeps`: the fields of the form that `kept_form` has for the page afterwards; nothing secret. `back_to`: the page
    that they come back to, if it is another one than this.
    """
    user = request.user
    if not isinstance(user, User) or not is_reauthentication_required(request, app="allauth.account"):
        return None
    addresses.ensure(user)
    answer = ask_who_it_is(request, user, back_to=back_to)
    fields = {name: request.POST.getlist(name) for name in keeps if name in request.POST}
    if fields:
        request.session[_KEPT] = {"path": request.path, "fields": fields}
    return answer


def kept_form(request: HttpRequest) -> dict[str, list[str]]:
    """What was sent to this page before they were asked who they are, once; {} if nothing was."""
    kept = request.session.get(_KEPT)
    if kept is None or kept["path"] != request.path:
        return {}
    fields: dict[str, list[str]] = request.session.pop(_KEPT)["fields"]
    return fields


def ask_who_it_is(request: HttpRequest, user: User, *, back_to: str = "") -> HttpResponse:
    """`back_to`: else this very page."""
    methods = get_adapter().get_reauthentication_methods(user)
    if not methods:  # who signs in with an account elsewhere alone
        messages.error(request, _("For this, sign out and in again first: it has to be you, and just now."))
        return redirect("account")
    if request.method == "POST":
        messages.info(request, _("Nothing was changed yet. Show that it is you, then send the form again."))
    return redirect(f"{methods[0]['url']}?{urlencode({'next': back_to or request.get_full_path()})}")
