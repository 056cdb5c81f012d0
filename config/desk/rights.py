"""Who works at the desk, and what they may do there: given and taken by those who may do everything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.desk import right_words
from accounts.desk.base import ReadOnlyAdmin, reason_field
from accounts.desk.right_words import VERBS
from accounts.models import User
from accounts.signing import sessions
from config.desk import menu

# What no list of the menu stands for.
MORE = (
    ("billing.stripeaccount", gettext_lazy("Stripe"), ("change",)),
    ("billing.bookscheck", gettext_lazy("The books"), ("view", "change")),
    ("generations.billedday", gettext_lazy("Upstreams' bills"), ("add",)),
    ("accounts.shopstaff", gettext_lazy("Staff of shops"), ("change",)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What may be done with one list, each a permission's id with its word."""

    title: str
    choices: Sequence[tuple[int, str]]


class RightsForm(forms.Form):
    is_staff = forms.BooleanField(required=False, label=gettext_lazy("Works at the desk"))
    permissions = forms.ModelMultipleChoiceField(Permission.objects.none(), required=False)
    reason = reason_field()

    def __init__(self, offered: Sequence[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["permissions"]
        chosen.queryset = Permission.objects.filter(pk__in=offered)


def rights_view(request: HttpRequest, user_id: int) -> HttpResponse:
    """GET shows what they may do, POST writes it down. Who loses the desk is signed out."""
    operator = request.user
    if not isinstance(operator, User) or not operator.is_superuser:
        raise PermissionDenied
    person = User.objects.filter(pk=user_id, erased_at=None).first()
    if person is None:
        raise Http404
    groups = list(offered())
    ids = [pk for _title, rows in groups for row in rows for pk, _word in row.choices]
    # Those who may do everything are made and unmade on the machine, so that no page can shut all of them out.
    is_fixed = person.is_superuser
    form = RightsForm(ids, request.POST if request.method == "POST" else None)
    if not is_fixed and form.is_valid():
        _write(request, person, form.cleaned_data)
        messages.success(
            request, _("What %(person)s may do at the desk is written down.") % {"person": person}
        )
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[person.pk]))
    sent: Any = form.data
    held = set(person.user_permissions.values_list("pk", flat=True))
    chosen = {int(pk) for pk in sent.getlist("permissions") if pk.isdecimal()} if form.is_bound else held
    context = {
        **site.each_context(request),
        "title": _("Rights at the desk"),
        "person": person,
        "is_fixed": is_fixed,
        "form": form,
        "is_staff": bool(sent.get("is_staff")) if form.is_bound else person.is_staff,
        "groups": groups,
        "chosen": chosen,
    }
    return TemplateResponse(request, "admin/rights.html", context)


def offered() -> Iterator[tuple[str, list[Row]]]:
    """By the menu's groups: what can be done at all, rights of their own that a list has included."""
    known = menu.by_label()
    for title, models in menu.GROUPS.values():
        rows = [_row(str(words), known[label]) for label, words, _icon in models if label in known]
        if rows:
            yield str(title), rows
    yield (
        _("More"),
        [
            Row(str(title), [(pk, str(VERBS[verb])) for verb, pk in _ids(label, verbs)])
            for label, title, verbs in MORE
        ],
    )


def _row(title: str, model: Any) -> Row:
    admin = site.get_model_admin(model)
    verbs: Sequence[str] = tuple(VERBS)
    if isinstance(admin, ReadOnlyAdmin):
        steers = hasattr(admin, "has_steer_permission") or hasattr(admin, "has_take_down_permission")
        deletes = type(admin).has_delete_permission is not ReadOnlyAdmin.has_delete_permission
        adds = type(admin).has_add_permission is not ReadOnlyAdmin.has_add_permission
        changes = steers or type(admin).has_change_permission is not ReadOnlyAdmin.has_change_permission
        verbs = (
            "view",
            *(("add",) if adds else ()),
            *(("change",) if changes else ()),
            *(("delete",) if deletes else ()),
        )
    choices = [(pk, str(VERBS[verb])) for verb, pk in _ids(model._meta.label_lower, verbs)]
    own = Permission.objects.filter(
        content_type=ContentType.objects.get_for_model(model),
        codename__in=[codename for codename, _name in model._meta.permissions],
    )
    return Row(title, choices + [(one.pk, right_words.of(one.codename)) for one in own.order_by("codename")])


def _ids(label: str, verbs: Sequence[str]) -> Iterator[tuple[str, int]]:
    app, model = label.split(".")
    codenames = [f"{verb}_{model}" for verb in verbs]
    found = dict(
        Permission.objects.filter(content_type__app_label=app, codename__in=codenames).values_list(
            "codename", "pk"
        )
    )
    for verb, codename in zip(verbs, codenames, strict=True):
        if codename in found:
            yield verb, found[codename]


@transaction.atomic
def _write(request: HttpRequest, person: User, fields: dict[str, Any]) -> None:
    before = set(person.user_permissions.all())
    after = set(fields["permissions"]) if fields["is_staff"] else set()
    was_staff, person.is_staff = person.is_staff, fields["is_staff"]
    person.save(update_fields=["is_staff"])
    person.user_permissions.set(after)
    if was_staff and not person.is_staff:
        sessions.end_all(person)
    changes = [f"+{one.codename}" for one in after - before] + [f"-{one.codename}" for one in before - after]
    if was_staff != person.is_staff:
        changes.append("+desk" if person.is_staff else "-desk")
    said = f"{' '.join(sorted(changes)) or 'nothing changed'}: {fields['reason']}"
    site.get_model_admin(User).log_change(request, person, said)
