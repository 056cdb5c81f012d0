"""Organizations of a person: found another, choose one, name it, leave it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import members, shops, terms
from accounts.access import Access, access_of_user
from accounts.errors import InsufficientScope, NotFound
from accounts.forms.team import NameForm
from accounts.members import LastOwner, is_only_owner, member_of
from accounts.models import Membership, User
from accounts.names import isolated
from accounts.organizations import (
    OwnsSuspended,
    TooManyOrganizations,
    found_another,
    may_found,
    rename,
    suspended_of,
)
from accounts.origin import origin_of
from accounts.pages import CHOSEN, access_or_none, go_through, member_page, no_organization, way_out
from accounts.roles import Right
from accounts.shops import shop_id_of, shop_of
from accounts.signing.beginning import may_begin_at

Arguments = ParamSpec("Arguments")
MAX_SLUG = 60


def person_page(
    view: Callable[Concatenate[HttpRequest, User, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """For whoever is signed in, also those who belong to no organization."""

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return go_through(request, resolve_url(settings.LOGIN_URL))
        return view(request, user, *args, **kwargs)

    return page


@require_http_methods(["GET", "HEAD", "POST"])
@person_page
def new_organization(request: HttpRequest, user: User) -> HttpResponse:
    if terms.outstanding(user, shop_of(request)):
        return go_through(request, reverse("terms"))
    shop = shop_of(request)
    if not may_begin_at(shop, user):
        return no_organization(request, user)
    form, problem, status = NameForm(request.POST if request.method == "POST" else None), "", 200
    if form.is_valid():
        try:
            organization = found_another(shop, form.cleaned_data["name"], user, origin_of(request))
        except (TooManyOrganizations, OwnsSuspended) as error:
            problem, status = str(error.message), error.status
        else:
            request.session[CHOSEN] = organization.slug
            words = _("%(name)s is founded, and you are its owner.")
            messages.success(request, words % {"name": isolated(organization.name)})
            return redirect(settings.LOGIN_REDIRECT_URL)
    elif form.is_bound:
        status = 400
    suspended, is_paused = suspended_of(user, shop.pk), shops.is_paused(shop.pk)
    if suspended is not None:
        problem = str(OwnsSuspended(suspended).message)
    elif is_paused:
        problem = _("This shop is closed, so no organization can be founded.")
    context = {
        "form": form,
        "problem": problem,
        "is_suspended": suspended is not None or is_paused,
        "may_found": may_found(user, shop.pk),
        "most": settings.MAX_OWNED_ORGANIZATIONS,
        "access": access_or_none(request),
    }
    template = "new_organization" if context["access"] else "first_organization"
    return render(request, f"accounts/{template}.html", context, status=status)


@require_POST
@person_page
def switch(request: HttpRequest, user: User) -> HttpResponse:
    """`organization`: the slug of one of theirs."""
    slug = request.POST.get("organization", "")
    if not slug or len(slug) > MAX_SLUG or "\x00" in slug:
        raise NotFound
    request.session[CHOSEN] = access_of_user(user, shop_id_of(request), slug).organization.slug
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def settings_page(request: HttpRequest, access: Access) -> HttpResponse:
    if not access.rights & {Right.SETTINGS, Right.OWNERSHIP}:
        raise InsufficientScope
    status = 200
    sent = request.POST if request.method == "POST" else None
    form = NameForm(sent, initial={"name": access.organization.name})
    if sent is not None:
        if form.is_valid():
            rename(access, form.cleaned_data["name"])
            words = _("The organization is called %(name)s now.")
            messages.success(request, words % {"name": isolated(form.cleaned_data["name"])})
            return redirect("settings")
        status = 400
    context = {
        "access": access,
        "here": "settings",
        "form": form,
        "may_found": access.user is not None and may_found(access.user, access.organization.shop_id),
    }
    return render(request, "accounts/settings.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@way_out
def leave(request: HttpRequest, access: Access) -> HttpResponse:
    membership, status = _own_membership(access), 200
    if request.method == "POST":
        try:
            members.leave(access)
        except LastOwner as error:
            status = error.status
        else:
            request.session.pop(CHOSEN, None)
            words = _("You have left %(name)s.")
            messages.success(request, words % {"name": isolated(access.organization.name)})
            return redirect(settings.LOGIN_REDIRECT_URL)
    context = {
        "access": access,
        "here": "team",
        "is_only_owner": is_only_owner(membership),
    }
    return render(request, "accounts/leave.html", context, status=status)


def _own_membership(access: Access) -> Membership:
    if access.user is None:
        raise TypeError("People leave.")
    return member_of(access.organization, access.user.uuid)
