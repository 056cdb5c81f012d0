"""The people of an organization: who they are, who is invited, what each may do."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import api_keys, invitations, members
from accounts.access import Access
from accounts.errors import DomainError, InsufficientScope
from accounts.forms.team import InviteForm
from accounts.invitations import NotInvited
from accounts.members import ChangedMeanwhile, LastOwner
from accounts.models import Membership, Role
from accounts.names import isolated
from accounts.organizations import TooManyOrganizations
from accounts.pages import member_page, right_page
from accounts.roles import Right, table
from accounts.signing import addresses
from accounts.views.gates import asked_first, kept_form


@require_safe
@member_page
def team_page(request: HttpRequest, access: Access) -> HttpResponse:
    return show(request, access)


def show(
    request: HttpRequest,
    access: Access,
    *,
    status: int = 200,
    form: InviteForm | None = None,
    problem: str = "",
) -> HttpResponse:
    everybody = members.members_of(access.organization)
    context: dict[str, Any] = {
        "access": access,
        "here": "team",
        "problem": problem,
        "members": [(one, members.may_change(access, one)) for one in everybody],
        "unconfirmed": addresses.unconfirmed([one.user_id for one in everybody]),
        "roles": list(Role),
        "rights": table(),
    }
    if Right.MEMBERS in access.rights:
        roles = invitations.roles_to_offer(access)
        context |= {
            "form": form or InviteForm(roles=roles, initial={"role": Role.DEVELOPER}),
            "invitations": list(invitations.open_invitations(access.organization)),
            "days": invitations.LIFETIME.days,
        }
    return render(request, "accounts/team.html", context, status=status)


# --- Members ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@right_page(Right.MEMBERS)
def member(request: HttpRequest, access: Access, person: uuid.UUID) -> HttpResponse:
    """One member, to be given another role."""
    membership = _changeable(access, person)
    if request.method != "POST":
        return _show_member(request, access, membership)
    role = request.POST.get("role", "")
    if role not in Role.values:
        problem = _("Choose one of the roles in the list.")
        return _show_member(request, access, membership, status=400, problem=problem)
    if Role.OWNER in (role, membership.role):  # ownership is given, or taken
        asked = asked_first(request, keeps=["role"])
        if asked is not None:
            return asked
    try:
        changed = members.change_role(access, person, seen=request.POST.get("seen", ""), role=role)
    except (ChangedMeanwhile, LastOwner, TooManyOrganizations) as error:
        return _refused(request, access, person, error)
    words = _("The role of %(email)s is now: %(role)s")
    messages.success(request, words % {"email": changed.user.email, "role": Role(changed.role).label})
    return redirect("team")


@require_POST
@right_page(Right.MEMBERS)
def remove(request: HttpRequest, access: Access, person: uuid.UUID) -> HttpResponse:
    membership = _changeable(access, person)
    if membership.user == access.user:
        return redirect("leave")
    if membership.role == Role.OWNER:
        asked = asked_first(request, back_to=reverse("member", args=[person]))
        if asked is not None:
            return asked
    try:
        removed = members.remove(access, person)
    except (ChangedMeanwhile, LastOwner) as error:
        return _refused(request, access, person, error)
    words = _("%(email)s was removed, and has no access any more.") % {"email": removed.user.email}
    if Right.KEYS in access.rights:
        words += " " + _("Keys that they know go on working until you revoke them.")
    messages.success(request, words)
    return redirect("team")


def _changeable(access: Access, person: uuid.UUID) -> Membership:
    found = members.member_of(access.organization, person)
    if not members.may_change(access, found):
        raise InsufficientScope
    return found


def _refused(request: HttpRequest, access: Access, person: uuid.UUID, error: DomainError) -> HttpResponse:
    found = _changeable(access, person)  # as it is now
    return _show_member(request, access, found, status=error.status, problem=str(error.message))


def _show_member(
    request: HttpRequest, access: Access, membership: Membership, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    context = {
        "access": access,
        "here": "team",
        "membership": membership,
        "is_self": membership.user == access.user,
        "is_only_owner": members.is_only_owner(membership),
        "roles": members.roles_to_give(access),
        "chosen": kept_form(request).get("role", [membership.role])[0],
        "keys": api_keys.made_by(membership) if Right.KEYS in access.rights else [],
        "problem": problem,
    }
    return render(request, "accounts/member.html", context, status=status)


# --- Invitations --------------------------------------------------------------------------------


@require_POST
@right_page(Right.MEMBERS)
def invite(request: HttpRequest, access: Access) -> HttpResponse:
    form = InviteForm(request.POST, roles=invitations.roles_to_offer(access))
    if not form.is_valid():
        return show(request, access, status=400, form=form)
    try:
        invitation = invitations.invite(access, form.cleaned_data["email"], form.cleaned_data["role"])
    except NotInvited as error:
        form.add_error("email", str(error.message))
        return show(request, access, status=error.status, form=form)
    words = _("An invitation is on its way to %(email)s. It can be accepted for %(days)d days.")
    values = {"email": isolated(invitation.email), "days": invitations.LIFETIME.days}
    messages.success(request, words % values)
    return redirect("team")


@require_POST
@right_page(Right.MEMBERS)
def send_again(request: HttpRequest, access: Access, invitation_id: str) -> HttpResponse:
    try:
        invitation = invitations.send_again(access, invitation_id)
    except NotInvited as error:
        return show(request, access, status=error.status, problem=str(error.message))
    words = _("The invitation is on its way to %(email)s once more. The link of the earlier mail is void.")
    messages.success(request, words % {"email": isolated(invitation.email)})
    return redirect("team")


@require_POST
@right_page(Right.MEMBERS)
def revoke(request: HttpRequest, access: Access, invitation_id: str) -> HttpResponse:
    invitation = invitations.revoke(access, invitation_id)
    words = _("The invitation of %(email)s was taken back. Its link is void.")
    messages.success(request, words % {"email": isolated(invitation.email)})
    return redirect("team")
