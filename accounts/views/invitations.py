"""Where an invitation's link leads."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import invitations
from accounts.access import access_of_user
from accounts.errors import NotFound
from accounts.invitations import SESSION_KEY, Unusable
from accounts.models import Role, SignUp, User
from accounts.names import isolated
from accounts.origin import origin_of
from accounts.pages import CHOSEN
from accounts.shops import shop_id_of, shop_of
from accounts.signing import rules

# Reason -> what happened, and what to do next.
WORDS = {
    "unknown": (
        gettext_lazy("This link leads to no invitation"),
        gettext_lazy(
            "It was cut off or changed on its way, or a later mail has replaced it. Open the link of the newest mail"
            " that you got, all of it; or ask whoever invited you for another one."
        ),
    ),
    "expired": (
        gettext_lazy("This invitation has expired"),
        gettext_lazy("Invitations last for seven days. Ask whoever invited you to send it again."),
    ),
    "used": (
        gettext_lazy("This invitation was used already"),
        gettext_lazy(
            "Each one lets one person in, once. If that was you, sign in; if not, ask whoever invited you."
        ),
    ),
    "revoked": (
        gettext_lazy("This invitation was taken back"),
        gettext_lazy("If you think that this is a mistake, ask whoever invited you."),
    ),
    "other_address": (
        gettext_lazy("This invitation is for another address"),
        gettext_lazy(
            "Sign out, then open the link of the mail again and sign in, or sign up, with the address that the mail"
            " came to. Or ask whoever invited you to invite the address that you use here."
        ),
    ),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Says who invites to what. Whoever is not signed in comes back here once they are."""
    user = request.user if isinstance(request.user, User) else None
    try:
        invitation = invitations.find(token, shop_id_of(request))
        if user is not None and user.email != invitation.email:
            raise Unusable("other_address", invitation)
        if request.method == "POST" and user is not None:
            return _accept(request, user, token)
    except Unusable as error:
        return _unusable(request, user, error)
    if user is None:
        request.session[SESSION_KEY] = token
        if request.method == "POST":
            return redirect_to_login(request.path, resolve_url(settings.LOGIN_URL))
    here = urlencode({"next": request.path})
    may_sign_up = rules.who_may_sign_up(shop_of(request)) != SignUp.CLOSED
    sign_up = reverse("sign_up") if may_sign_up else ""
    context = {
        "invitation": invitation,
        "role": Role(invitation.role),
        "sign_in_path": f"{resolve_url(settings.LOGIN_URL)}?{here}",
        "sign_up_path": f"{sign_up}?{here}" if sign_up else "",
    }
    return render(request, "accounts/invitation.html", context)


def _accept(request: HttpRequest, user: User, token: str) -> HttpResponse:
    membership = invitations.accept(user, token, shop_id_of(request), origin_of(request))
    organization = membership.organization
    request.session.pop(SESSION_KEY, None)
    request.session[CHOSEN] = organization.slug
    words = _("Welcome to %(name)s. Your role here: %(role)s.")
    values = {"name": isolated(organization.name), "role": Role(membership.role).label}
    messages.success(request, words % values)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _unusable(request: HttpRequest, user: User | None, error: Unusable) -> HttpResponse:
    request.session.pop(SESSION_KEY, None)
    invitation = error.invitation
    if error.reason == "used" and user is not None and invitation and invitation.accepted_by == user:
        try:  # a second click
            request.session[CHOSEN] = access_of_user(
                user, shop_id_of(request), invitation.organization.slug
            ).organization.slug
            return redirect(settings.LOGIN_REDIRECT_URL)
        except NotFound:
            pass  # they have left since
    title, advice = WORDS[error.reason]
    context = {"title": title, "advice": advice, "reason": error.reason, "invitation": invitation}
    return render(request, "accounts/unusable_invitation.html", context, status=error.status)
