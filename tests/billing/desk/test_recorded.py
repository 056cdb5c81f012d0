"""Whatever an operator does to a customer at the desk is in the customer's audit log, and no deed is forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.audit_log import Wanted, as_csv
from accounts.models import AuditEvent, Organization
from accounts.privacy.export_rows import event_row
from generations import incidents, lifecycle
from generations.models import Generation
from tests.billing.stripe.buying import Buyer
from tests.cast import Person, new_key
from tests.generations.hurt import an_incident
from tests.generations.kept_images import an_image, keep_images_in
from tests.makers import a_payment, a_submitted, an_access, an_organization
from tests.operators import do, operator

pytestmark = pytest.mark.django_db
REASON = "as the letter of Monday says"
FORMS = {"add", "changelist", "change", "delete", "history", "autocomplete"}
# What is no customer's, or asks Stripe again as the shop does by itself.
OF_NO_CUSTOMER = {
    "accounts.user let_in",
    "accounts.user reset_second_factor",
    "accounts.user shut_out",
    "accounts.shop close",
    "accounts.shop keep",
    "accounts.shop resume",
    "accounts.shop suspend",
    "generations.image show_them",
    "billing.payment look",
    "billing.payment look_at_them",
    "billing.stripeevent replay",
    "generations.upstream close_circuits",
    "generations.upstream connect",
    "generations.upstream disable",
    "generations.upstream enable",
    "generations.upstream try",
}
# By what the customer reads in their log; each is done below.
DEEDS = {
    "accounts.organization suspend": "suspended",
    "accounts.organization resume": "resumed",
    "accounts.organization look_in": "stand_in_begun",
    "accounts.organization grant_credits": "credits_changed",
    "accounts.organization take_credits": "credits_changed",
    "accounts.apikey freeze": "key_frozen",
    "accounts.apikey thaw": "key_changed",
    "accounts.apikey revoke": "key_revoked",
    "billing.payment refund": "refunded",
    "billing.payment owe": "payment_settled",
    "billing.payment settle": "payment_settled",
    "generations.image take_down": "image_taken_down",
    "generations.generation credit": "credits_changed",
    "generations.generation retry": "task_retried",
    "generations.generation cancel": "task_canceled",
    "generations.incident give": "credits_changed",
    "generations.incident again": "credits_changed",
}


def deeds_of(desk: "ModelAdmin[Any]") -> set[str]:
    model = f"{desk.opts.app_label}_{desk.opts.model_name}"
    names = {str(url.name) for url in desk.get_urls() if url.name}
    paths = {name.removeprefix(f"{model}_") for name in names if name.startswith(f"{model}_")}
    return {f"{desk.opts.label_lower} {name}" for name in {*map(str, desk.actions or ()), *paths} - FORMS}


def test_no_deed_of_the_desk_is_forgotten() -> None:
    reverse("admin:index")  # finds what there is
    ours = [one for one in admin.site._registry.values() if one.opts.app_label in ("accounts", "billing")]
    ours += [
        one for one in admin.site._registry.values() if one.opts.app_label in ("generations", "webhooks")
    ]
    assert {deed for one in ours for deed in deeds_of(one)} == OF_NO_CUSTOMER | DEEDS.keys()


def newest(organization: Organization) -> tuple[str, str, str, str | None]:
    """Action, subject, note and address, of what this operator did."""
    event = AuditEvent.objects.select_related("origin").filter(organization=organization).latest("pk")
    assert event.actor == f"staff:{operator().uuid}"
    told = str(event_row(event)) + "".join(as_csv(organization, Wanted()))
    for kept in (REASON, str(operator().uuid), "127.0.0.1"):
        assert kept not in told
    return event.action, event.subject, event.origin.note, event.origin.address


def test_organizations_and_keys(desk: Client, alice: Person) -> None:
    organization = alice.organization
    for deed, word in (("suspend", "suspended"), ("resume", "resumed")):
        do(desk, organization, deed, reason=REASON)
        assert newest(organization) == (word, "", REASON, "127.0.0.1")
    for deed in ("grant-credits", "take-credits"):
        do(desk, organization, deed, reason=REASON, credits="5")
        assert newest(organization) == ("credits_changed", "", REASON, "127.0.0.1")
    key, _secret = new_key(alice)
    for deed, word in (("freeze", "key_frozen"), ("thaw", "key_changed"), ("revoke", "key_revoked")):
        do(desk, key, deed, reason=REASON)
        assert newest(organization) == (word, key.actor, REASON, "127.0.0.1")
    do(desk, organization, "look-in", reason=REASON, member=str(alice.user.uuid))
    assert newest(organization) == ("stand_in_begun", alice.user.actor, REASON, "127.0.0.1")


def test_tasks_and_incidents(desk: Client, alice: Person) -> None:
    access, organization = an_access(alice.organization), alice.organization
    failed, attempt = a_submitted(access)
    assert lifecycle.fail(failed, "generation_failed", attempt=attempt, outcome="failed")
    do(desk, failed, "credit", reason=REASON, credits="15")
    assert newest(organization) == ("credits_changed", failed.task_id, REASON, "127.0.0.1")
    do(desk, failed, "retry", reason=REASON)
    assert newest(organization) == ("task_retried", failed.task_id, REASON, "127.0.0.1")
    again = Generation.objects.get(retry_of=failed)
    do(desk, again, "cancel", reason=REASON)
    assert newest(organization) == ("task_canceled", again.task_id, REASON, "127.0.0.1")
    incident = an_incident()
    do(desk, incident, "give", reason=REASON)
    assert incidents.run_due() == 1
    # A worker did it, long after the form was sent.
    assert newest(organization) == ("credits_changed", incident.public_id, REASON, None)


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


def test_money_that_stripe_cannot_be_asked_for_any_more(
    desk: Client, new_buyer: Callable[[], Buyer], settings: Settings
) -> None:
    payment = new_buyer().buys()
    settings.STRIPE_SECRET_KEY = "sk_test_of_nobody"
    desk.post(f"/admin/billing/payment/{payment.pk}/refund/", {"amount": "5", "reason": REASON, "number": 1})
    for _ in range(2):
        desk.post(f"/admin/billing/payment/{payment.pk}/owe/", {"reason": REASON})
    told = ("payment_settled", payment.public_id, REASON, "127.0.0.1")
    assert newest(payment.organization) == told
    assert AuditEvent.objects.get(action="payment_settled").details["owed_minor"] == 500
