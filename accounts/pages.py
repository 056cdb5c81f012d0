"""What every page of a member does before its own work."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import Access, access_of_user
from accounts.errors import NotFound
from accounts.models import User

Arguments = ParamSpec("Arguments")


def member_page(
    view: Callable[Concatenate[HttpRequest, Access, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """Hands the view an Access that may read. Others are sent to the sign-in, or told that they belong nowhere."""

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return _to_sign_in(request)
        try:
            access = access_of_user(user)
        except NotFound:
            return render(request, "accounts/no_organization.html", status=403)
        access.require("read")
        return view(request, access, *args, **kwargs)

    return page


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    try:
        page = urlsplit(request.headers["HX-Current-URL"]).path
    except (KeyError, ValueError):  # absent, or no address at all such as "http://["
        return redirect_to_login(request.get_full_path())
    # A fragment cannot hold the sign-in: the whole page goes there, and comes back.
    return HttpResponseClientRedirect(redirect_to_login(page)["Location"])
