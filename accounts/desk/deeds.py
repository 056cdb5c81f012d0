"""What operators do to a row of the desk: each on a page of its own that says what will happen, with a reason, a
permission of its own, and done once however often its form is sent.

A deed is shown on the page of the model that it is registered for, which may be one of an app below.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from accounts.audit import Detail, record
from accounts.desk import said
from accounts.desk.base import FORM_METHODS, ReadOnlyAdmin, actor_of, reason_field
from accounts.desk.scope import is_platform
from accounts.errors import DomainError
from accounts.models import AuditAction, Organization, User
from accounts.origin import Origin, origin_of

M = TypeVar("M", bound=Model)


class Refused(DomainError):
    """What cannot be done to this row, or not any more. `message` is for the operator."""

    type, status, message = "refused", 409, _("That is not possible any more. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class Doer:
    """Which operator, from where, and why. `once`: the same for a form that is sent twice."""

    user: User
    actor: str
    origin: Origin
    reason: str
    once: uuid.UUID

    def record(
        self, organization: Organization, action: AuditAction, *, subject: str = "", **details: Detail
    ) -> None:
        """In its audit log, with the reason for operators alone; in the caller's transaction."""
        record(
            organization,
            action,
            actor=self.actor,
            subject=subject,
            origin=self.origin,
            note=self.reason,
            **details,
        )


class DeedForm(forms.Form):
    once = forms.UUIDField(widget=forms.HiddenInput)
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["once"].initial = uuid.uuid4
        self.order_fields([name for name in self.fields if name != "reason"])  # why comes last


class Deed(Generic[M]):
    """`name` stands in its address, `permission` is as in "accounts.suspend_organization"; `title` is on link, page and
    button, `hint` beside the link. `done_before`: what an operator reads who comes too late.
    """

    name: ClassVar[str]
    permission: ClassVar[str]
    title: ClassVar[Any]
    hint: ClassVar[Any]
    platform_alone: ClassVar[bool] = False  # because it reaches beyond a shop
    done_before: ClassVar[Any] = Refused.message

    def obstacle(self, row: M) -> str:
        """Why this cannot be done to the row as it is, in words; "" when it can. Where there is one there is no link.
        Two at once may both read "", so `do` finds out by itself.
        """
        return self.hindrance(row) or (str(self.done_before) if self.is_done(row) else "")

    def hindrance(self, row: M) -> str:
        """What stands in its way but that it is done; "" for nothing."""
        return ""

    def is_done(self, row: M) -> bool:
        return False

    def says(self, row: M) -> list[str]:
        """What will happen, a paragraph each."""
        return [self.whose(row), self.outlook(row)]

    def whose(self, row: M) -> str:
        """Which row this is, and how it is now."""
        raise NotImplementedError

    def outlook(self, row: M) -> str:
        """What becomes of it."""
        raise NotImplementedError

    def form(self, row: M, data: Any) -> DeedForm:
        return DeedForm(data)

    def do(self, request: HttpRequest, row: M, doer: Doer, form: Any) -> str | HttpResponse:
        """Does it, by a service that writes it into the audit log; what was done in words, or where to go on. Raises
        DomainError or ValidationError, whose words the operator reads.
        """
        raise NotImplementedError

    def is_allowed(self, request: HttpRequest) -> bool:
        if self.platform_alone and not is_platform(request):
            return False
        return isinstance(request.user, User) and request.user.has_perm(self.permission)


_registered: dict[type[Model], list[Deed[Any]]] = {}
D = TypeVar("D", bound=type[Deed[Any]])


def deed_of(model: type[Model]) -> Callable[[D], D]:
    """Registers a deed, as `admin.register` does an admin; in a module that Django's admin finds."""

    def register(deed: D) -> D:
        _registered.setdefault(model, []).append(deed())
        said.DEEDS[model, deed.name] = deed.title
        return deed

    return register


def deeds_of(model: type[Model]) -> list[Deed[Any]]:
    return _registered.get(model, [])


class WithDeeds(ReadOnlyAdmin):
    """Rows that only deeds change."""

    change_form_outer_before_template = "accounts/admin/deeds.html"

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:row_id>/{deed.name}/",
                self.admin_site.admin_view(partial(self.deed_view, deed=deed)),
                name=self._url_name(deed),
            )
            for deed in deeds_of(self.model)
        ]
        return [*own, *super().get_urls()]

    def _url_name(self, deed: Deed[Any]) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{deed.name.replace('-', '_')}"

    def deed_path(self, deed: Deed[Any], row: Model) -> str:
        return reverse(f"admin:{self._url_name(deed)}", args=[row.pk])

    def beside(self, request: HttpRequest, row: Any | None) -> dict[str, Any]:
        offered = [
            {"title": deed.title, "hint": deed.hint, "path": self.deed_path(deed, row)}
            for deed in deeds_of(self.model)
            if row is not None and deed.is_allowed(request) and not deed.obstacle(row)
        ]
        return super().beside(request, row) | {"deeds": offered}

    def deed_view(self, request: HttpRequest, row_id: int, deed: Deed[Any]) -> HttpResponse:
        """GET says what will happen and asks why, POST does it."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None:
            raise Http404
        if not deed.is_allowed(request):
            raise PermissionDenied
        form = deed.form(row, request.POST if request.method == "POST" else None)
        obstacle = deed.obstacle(row)
        if not obstacle and form.is_valid():
            done = self._do(request, row, deed, form)
            if done is not None:
                return done
        context = {
            "deed": deed,
            "row": row,
            "form": form,
            "obstacle": obstacle,
            "says": deed.says(row),
            "back": self._back(request, row),
        }
        return self.page(request, "accounts/admin/deed.html", str(deed.title), **context)

    def _do(self, request: HttpRequest, row: Model, deed: Deed[Any], form: Any) -> HttpResponse | None:
        """None when the form has to be shown again, with what is wrong."""
        user = request.user
        if not isinstance(user, User):
            raise TypeError("An operator is signed in.")
        fields = form.cleaned_data
        doer = Doer(user, actor_of(request), origin_of(request), fields["reason"], fields["once"])
        try:
            done = deed.do(request, row, doer, form)
        except DomainError as error:
            form.add_error(None, str(error.message))
            return None
        except ValidationError as error:
            form.add_error(None, error)
            return None
        self.log_change(request, row, deed.name)  # why is in the audit log, from which it can be erased
        if isinstance(done, HttpResponse):
            return done
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(self._back(request, row))

    def _back(self, request: HttpRequest, row: Model) -> str:
        """The row, for whoever may see it."""
        if not self.has_view_permission(request, row):
            return reverse("admin:index")
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
