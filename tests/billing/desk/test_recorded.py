"""Whatever an operator does to a customer at the desk is in the customer's audit log, and no deed is forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client
from pytest_django import Settings

from accounts.api_keys import freeze_api_key
from accounts.audit_log import Wanted, as_csv
from accounts.export_rows import event_row
from accounts.models import AuditEvent, Organization
from tests.billing.stripe.buying import Buyer
from tests.cast import Person, new_key
from tests.generations.kept_images import an_image, keep_images_in
from tests.makers import a_payment, an_organization
from tests.operators import operator

pytestmark = pytest.mark.django_db
REASON = "as the letter of Monday says"
FORMS = {"add", "changelist", "change", "delete", "history", "autocomplete"}
# What is no customer's, or asks Stripe again as the shop does by itself.
OF_NO_CUSTOMER = {
    "billing.payment look",
    "billing.payment look_at_them",
    "billing.stripeevent replay",
    "generations.upstream close_circuits",
    "generations.upstream disable",
    "generations.upstream enable",
    "generations.upstream try",
}
# By what the customer reads in their log; each is done below.
DEEDS = {
    "accounts.organization resume_them": "resumed",
    "accounts.organization suspend_them": "suspended",
    "accounts.apikey thaw_them": "key_changed",
    "accounts.apikey revoke_them": "key_revoked",
    "billing.payment refund": "refunded",
    "billing.payment settle": "payment_settled",
    "generations.image take_down": "image_taken_down",
}


def deeds_of(desk: "ModelAdmin[Any]") -> set[str]:
    model = f"{desk.opts.app_label}_{desk.opts.model_name}"
    names = {str(url.name) for url in desk.get_urls() if url.name}
    paths = {name.removeprefix(f"{model}_") for name in names if name.startswith(f"{model}_")}
    return {f"{desk.opts.label_lower} {name}" for name in {*map(str, desk.actions or ()), *paths} - FORMS}


def test_no_deed_of_the_desk_is_forgotten() -> None:
    ours = [one for one in admin.site._registry.values() if one.opts.app_label in ("accounts", "billing")]
    ours += [
        one for one in admin.site._registry.values() if one.opts.app_label in ("generations", "webhooks")
    ]
    assert {deed for one in ours for deed in deeds_of(one)} == OF_NO_CUSTOMER | DEEDS.keys()


def act(desk: Client, path: str, action: str, pk: int) -> None:
    desk.post(path, {"action": action, "_selected_action": [str(pk)]})


def newest(organization: Organization) -> tuple[str, str, str, str | None]:
    """Action, subject, note and address, of what this operator did."""
    event = AuditEvent.objects.select_related("origin").filter(organization=organization).latest("pk")
    assert event.actor == f"staff:{operator().uuid}"
    told = str(event_row(event)) + "".join(as_csv(organization, Wanted()))
    for kept in (REASON, str(operator().uuid), "127.0.0.1"):
        assert kept not in told
    return event.action, event.subject, event.origin.note, event.origin.address


def test_organizations_and_keys(desk: Client, alice: Person) -> None:
    organization, path = alice.organization, "/admin/accounts/organization/"
    act(desk, path, "suspend_them", organization.pk)
    assert newest(organization) == ("suspended", "", "", "127.0.0.1")
    act(desk, path, "resume_them", organization.pk)
    assert newest(organization) == ("resumed", "", "", "127.0.0.1")
    key, _secret = new_key(alice)
    freeze_api_key(key, "leaked")
    for action, word in (("thaw_them", "key_changed"), ("revoke_them", "key_revoked")):
        act(desk, "/admin/accounts/apikey/", action, key.pk)
        assert newest(organization) == (word, key.actor, "", "127.0.0.1")


def test_image_that_is_taken_down_once(desk: Client, tmp_path: Path, settings: Settings) -> None:
    keep_images_in(tmp_path, settings)
    image = an_image(0)
    for _ in range(2):
        desk.post(f"/admin/generations/image/{image.pk}/take-down/", {"reason": REASON})
    organization = image.generation.organization
    assert newest(organization) == ("image_taken_down", image.public_id, REASON, "127.0.0.1")
    assert AuditEvent.objects.get().details == {"task": image.generation.task_id}


def test_payment_that_is_settled_by_hand(desk: Client) -> None:
    payment = a_payment(an_organization(), session_id="cs_1", problem="Its price is $1.00.")
    for _ in range(2):
        desk.post(f"/admin/billing/payment/{payment.pk}/settle/", {"reason": REASON})
    told = ("payment_settled", payment.public_id, REASON, "127.0.0.1")
    assert newest(payment.organization) == told
    assert AuditEvent.objects.count() == 1


def test_money_that_is_given_back(desk: Client, new_buyer: Callable[[], Buyer]) -> None:
    payment = new_buyer().buys()
    sent = {"amount": "5", "reason": REASON, "number": 1}
    for _ in range(2):
        desk.post(f"/admin/billing/payment/{payment.pk}/refund/", sent)
    assert newest(payment.organization) == ("refunded", payment.public_id, REASON, "127.0.0.1")
    event = AuditEvent.objects.get(action="refunded")
    assert (event.details["amount_minor"], event.details["currency"]) == (500, payment.currency)
