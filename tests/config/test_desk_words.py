"""The desk's lists and forms have names in the reader's language, also what its library says of itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import unfold
from django.contrib.admin import site
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import Permission
from django.core.exceptions import FieldDoesNotExist
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, override

from accounts.desk import right_words, said
from accounts.desk.deeds import deeds_of
from accounts.models import Organization
from config import columns
from generations.admin.story import OUTCOMES
from generations.models import Attempt
from generations.providers.base import OutcomeKind
from tests.config.desk_rows import everything
from tests.makers import an_upstream
from tests.operators import clerk, desk_of, do, operator
from tests.pages import text_of


def lists() -> Iterator[tuple[Any, Any]]:
    """Those of our own tables, each with its model."""
    assert reverse("admin:index")  # they are found with the addresses
    for model, admin in site._registry.items():
        if model._meta.app_label in columns.APPS:
            yield model, admin


def shown(model: Any, admin: Any) -> set[str]:
    """What stands over columns, beside fields and over filters."""
    entered = getattr(getattr(admin.form, "_meta", None), "fields", None)
    usual = entered or [field.name for field in model._meta.concrete_fields if field.editable]
    arranged = [part for _title, options in admin.fieldsets or () for part in options["fields"]]
    fields: list[str] = flatten(arranged or admin.fields or usual)
    filters = [one[0] if isinstance(one, tuple) else one for one in admin.list_filter]
    return {name for name in (*admin.list_display, *fields, *filters) if isinstance(name, str)}


def is_named(model: Any, admin: Any, name: str) -> bool:
    try:
        words = model._meta.get_field(name).verbose_name
    except (FieldDoesNotExist, AttributeError):  # a method, by whose name there may be rows that point here
        form = getattr(admin.form, "base_fields", {}).get(name)
        words = getattr(getattr(admin, name, None), "short_description", None) if form is None else form.label
    return isinstance(words, Promise)


def test_whatever_is_shown_has_a_name_to_translate() -> None:
    nameless = [
        f"{model._meta.label}.{name}"
        for model, admin in lists()
        for name in sorted(shown(model, admin) - {"id"})
        if not is_named(model, admin, name)
    ]
    assert nameless == []


def test_no_list_is_named_by_an_s_after_a_foreign_word() -> None:
    made_up = [
        model._meta.label
        for model, _admin in lists()
        if model._meta.label_lower not in columns.TABLES
        and "verbose_name_plural" not in model._meta.original_attrs
    ]
    assert made_up == []


def test_what_is_said_for_the_library_is_what_it_says() -> None:
    folder = Path(unfold.__file__).parent
    said = "\n".join(file.read_text() for end in ("html", "py") for file in folder.rglob(f"*.{end}"))
    gone = [word for word in columns.OF_THE_LIBRARY if f'"{word}"' not in said and f"'{word}'" not in said]
    assert gone == []


@pytest.mark.django_db
def test_a_list_in_german_has_a_german_name() -> None:
    everything()
    page = text_of(desk_of(operator()).get("/admin/billing/voucher/", headers={"Accept-Language": "de"}))
    assert "Gutscheine" in page
    assert "Gutscheins" not in page


@pytest.mark.django_db
def test_what_was_done_is_told_by_the_titles_of_deeds() -> None:
    customer = everything().customer
    desk = desk_of(operator())
    do(desk, customer.organization, "suspend")
    deed = next(deed for deed in deeds_of(Organization) if deed.name == "suspend")
    for language in ("en", "de"):
        with override(language):
            title = str(deed.title)
        assert title in text_of(desk.get("/admin/admin/logentry/", headers={"Accept-Language": language}))


@pytest.mark.django_db
def test_permissions_are_named_in_the_readers_language() -> None:
    boss, person = operator(), clerk("view_voucher", "grant_credits")
    assert Permission.objects.get(codename="grant_credits").name == "Can give credits"  # as it is kept
    desk = desk_of(boss)
    for path in (f"/admin/accounts/user/{person.pk}/change/", f"/admin/rights/{person.pk}/"):
        page = text_of(desk.get(path, headers={"Accept-Language": "de"}))
        assert "Darf Credits gutschreiben" in page
        assert "Can " not in page
    with override("de"):
        assert right_words.of("view_voucher").startswith("Gutscheine: ")
    assert right_words.of("of_an_earlier_release") == "of_an_earlier_release"


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ("Closed its circuit.", "Closed its circuit."),
        ("Entered its bill; days: 31.", "Entered its bill; days: %(days)s."),
        ("Refund 3: $5.00.", "Refund %(number)s: %(amount)s."),
        ("Refund 3: $5.00, ended by hand.", "Refund %(number)s: %(amount)s, ended by hand."),
        ("Settled by hand: two\nlines", "Settled by hand: %(problem)s"),
        ("Stripe: the key was taken away.", "Stripe: the key was taken away."),
        ("Stripe: the key was taken away. Left: x.", "Stripe: the key was taken away. Left: %(left)s."),
    ],
)
def test_a_sentence_of_the_log_is_told_with_its_facts(
    monkeypatch: pytest.MonkeyPatch, kept: str, sentence: str
) -> None:
    assert said.told(kept) == kept
    asked: list[str] = []

    def translated(words: str) -> str:
        asked.append(words)
        return words

    monkeypatch.setattr(said, "_", translated)
    said.told(kept)
    assert asked == [sentence]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("+view_voucher -desk: 5 %: 3", "+ Gutscheine: Ansehen, - Arbeitet am Betreiberpult: 5 %: 3"),
        ("+grant_credits: helps", "+ Darf Credits gutschreiben: helps"),
        ("second: finance: as agreed", "second: Finanzen: as agreed"),
        ("whatever was written: 3", "whatever was written: 3"),
    ],
)
def test_what_is_no_sentence_is_told_as_far_as_it_is_known(kept: str, told: str) -> None:
    with override("de"):
        assert said.told(kept) == told


@pytest.mark.django_db
def test_the_history_of_a_row_is_told_like_the_log_of_all() -> None:
    row = an_upstream()
    desk = desk_of(operator())
    desk.post("/admin/generations/upstream/", {"action": "disable", "_selected_action": row.pk})
    with override("de"):
        words = gettext("Disabled.")
    assert words != "Disabled."
    for path in (f"/admin/generations/upstream/{row.pk}/history/", "/admin/admin/logentry/"):
        page = text_of(desk.get(path, headers={"Accept-Language": "de"}))
        assert words in page
        assert "Disabled." not in page


@pytest.mark.django_db
def test_outcomes_of_attempts_are_told_in_words() -> None:
    generation = everything().succeeded
    key = Attempt.objects.filter(generation=generation).latest("pk").key
    page = desk_of(operator()).get("/admin/generations/attempt/", headers={"Accept-Language": "de"})
    assert key in text_of(page)
    with override("de"):
        assert str(OUTCOMES["ok"]) in text_of(page)
        assert str(OUTCOMES["busy"]) in text_of(page)  # to choose by
    assert ">ok<" not in page.content.decode()


def test_every_outcome_has_words() -> None:
    assert {kind.value for kind in OutcomeKind if kind is not OutcomeKind.WAIT} <= set(OUTCOMES)
