"""Deleting an organization, and taking that back."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Access
from accounts.forms.privacy import DeleteOrganizationForm
from accounts.models.tenancy import UNDO_FOR
from accounts.pages import way_out
from accounts.privacy import closing
from accounts.roles import Right
from accounts.views.gates import asked_first


@require_http_methods(["GET", "HEAD", "POST"])
@way_out
def organization_delete(request: HttpRequest, access: Access) -> HttpResponse:
    """Asks once, with what is lost and the name to be typed."""
    access.require_right(Right.OWNERSHIP)
    organization = access.organization
    if organization.closing_at is not None:
        context = {"access": access, "here": "settings"}
        return render(request, "accounts/organization_closing.html", context)
    asked = asked_first(request)
    if asked is not None:
        return asked
    sent = request.POST if request.method == "POST" else None
    form = DeleteOrganizationForm(sent, organization=organization)
    if form.is_valid():
        closing.ask(access)
        return redirect("organization_delete")
    context = {
        "access": access,
        "here": "settings",
        "form": form,
        "losses": closing.losses(organization),
        "days": UNDO_FOR.days,
    }
    return render(request, "accounts/organization_delete.html", context, status=400 if form.errors else 200)


@require_POST
@way_out
def organization_undelete(request: HttpRequest, access: Access) -> HttpResponse:
    access.require_right(Right.OWNERSHIP)
    if closing.undo(access):
        words = _(
            "%(name)s stays. Its keys work again; switch on again what you want to be bought by itself."
        )
        messages.success(request, words % {"name": access.organization.name})
    elif access.organization.closing_at is not None:
        messages.error(request, _("It is too late to take this back: the time for it has passed."))
    return redirect(settings.LOGIN_REDIRECT_URL)
