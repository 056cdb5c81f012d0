"""Signing in and out, and what is to be accepted in between."""

import hashlib

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import hooks, terms
from accounts.access import access_of_user
from accounts.addresses import client_address
from accounts.errors import NotFound
from accounts.forms import SignInForm
from accounts.gcra import Ask, Bucket, Rate
from accounts.models import User
from accounts.pages import go_through, target_of
from accounts.throttling import limiter

SIGN_IN_RATE = Rate("sign_in", per_minute=10, burst=10)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Leads to `next` when that is a path of this shop. Raises Unavailable while tries cannot be counted."""
    target = target_of(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    if request.method != "POST":
        return _form(request, target)
    wait_s = _seconds_to_wait(request)
    if wait_s:
        problem = ngettext(
            "Too many tries. Try again in %(count)d second.",
            "Too many tries. Try again in %(count)d seconds.",
            wait_s,
        )
        response = _form(request, target, problem=problem % {"count": wait_s}, status=429)
        response["Retry-After"] = str(wait_s)
        return response
    form = SignInForm(request.POST)
    user = authenticate(request, **_credentials(form)) if form.is_valid() else None
    if user is None:
        # One answer for unknown and wrong, so that nobody can probe who has an account.
        return _form(
            request, target, problem=_("This e-mail and password do not match. Try again."), status=400
        )
    login(request, user)
    for hook in hooks.signed_in:
        hook(user, client_address(request))
    return HttpResponseRedirect(target)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_terms(request: HttpRequest) -> HttpResponse:
    """Leads to `next` once what is asked for has been accepted; at once when nothing is."""
    user, target = request.user, target_of(request)
    if not isinstance(user, User):
        return go_through(request, resolve_url(settings.LOGIN_URL))
    try:
        shop = access_of_user(user).organization.shop
    except NotFound:
        return redirect(settings.LOGIN_REDIRECT_URL)  # which says so
    documents, problem, status = terms.outstanding(user, shop), "", 200
    if request.method == "POST" and documents:
        if request.POST.get("accept") == "yes":
            documents = terms.accept(user, shop, request.POST.dict())
            problem, status = _("This has changed since you opened the page. Please look again."), 409
        else:
            problem, status = _("Tick the box to accept, or sign out."), 400
    if not documents:
        return HttpResponseRedirect(target)
    context = {"documents": documents, "next": target, "problem": problem}
    return render(request, "accounts/terms.html", context, status=status)


def _form(request: HttpRequest, target: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "email": request.POST.get("email", "")[:254],
        "next": target,
        "problem": problem,
        "is_demo": settings.DEMO,
    }
    return render(request, "accounts/sign_in.html", context, status=status)


def _credentials(form: SignInForm) -> dict[str, str]:
    return {"username": form.cleaned_data["email"], "password": form.cleaned_data["password"]}


def _seconds_to_wait(request: HttpRequest) -> int:
    """0 when this try may be made. Every try counts, for the address it comes from and the account it is for."""
    account = User.objects.clean_email(request.POST.get("email", ""))
    subjects = (
        f"address:{client_address(request)}",
        f"account:{hashlib.sha256(account.encode()).hexdigest()}",
    )
    for subject in subjects:
        decision = limiter().take(Ask((Bucket(subject, SIGN_IN_RATE),)), refuse_uncounted=True)
        if not decision.allowed:
            return decision.retry_after_s
    return 0
