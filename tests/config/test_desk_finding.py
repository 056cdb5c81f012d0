"""The desk's one search field: by ids, addresses and short names, and only what the operator may see."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import ApiKey, Invitation, User
from billing.models import LedgerEntry, Payment, StripeCustomer
from generations.models import Attempt, Generation, Image
from tests.config.desk_rows import Rows, everything
from tests.makers import an_upstream
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db


def where(desk: Client, term: str) -> str:
    """The row that the term leads to, "" for none or several."""
    response = desk.post("/admin/find/", {"term": term})
    return str(response.headers.get("Location", ""))


def of(row: object) -> str:
    opts = row._meta  # type: ignore[attr-defined]
    return f"/admin/{opts.app_label}/{opts.model_name}/{row.pk}/change/"  # type: ignore[attr-defined]


def test_everything_is_found_by_what_customers_and_others_call_it() -> None:
    rows = everything()
    desk = desk_of(operator())
    organization, user = rows.customer.organization, rows.customer.user
    key = ApiKey.objects.get(name="nightly")
    Generation.objects.filter(pk=rows.failed.pk).update(request_id="req_00aa")
    attempt = Attempt.objects.create(
        generation=rows.failed,
        number=9,
        provider="portal",
        upstream=an_upstream(),
        upstream_task_id="theirs-1",
    )
    Payment.objects.filter(pk=rows.payment.pk).update(payment_intent_id="pi_of_dora")
    account = rows.payment.account
    StripeCustomer.objects.create(account=account, organization=organization, customer_id="cus_of_dora")
    image = Image.objects.get()
    invitation = Invitation.objects.get()
    endpoint, delivery = (
        WebhookEndpoint.objects.get(),
        WebhookDelivery.objects.get(event__type="credits.added"),
    )
    for term, row in {
        rows.failed.task_id: rows.failed,
        f" {rows.failed.task_id} ": rows.failed,
        f"{rows.failed.task_id}:1": rows.failed,
        "req_00aa": rows.failed,
        "theirs-1": attempt,
        image.public_id: image,
        f"{image.public_id}.jpeg": image,
        key.prefix: key,
        key.public_id: key,
        rows.key_secret: key,
        user.email.upper(): user,
        str(user.uuid): user,
        user.actor: user,
        organization.slug: organization,
        organization.slug[:4]: organization,
        rows.payment.public_id: rows.payment,
        str(rows.payment.session_id): rows.payment,
        "pi_of_dora": rows.payment,
        "cus_of_dora": organization,
        rows.event.event_id: rows.event,
        invitation.public_id: invitation,
        endpoint.public_id: endpoint,
        delivery.public_id: delivery,
        "dora-2026": rows.customer.organization.shop.vouchers.get(),
    }.items():
        assert where(desk, term) == of(row), term
    several = text_of(desk.post("/admin/find/", {"term": rows.succeeded.reference}))
    assert rows.succeeded.task_id in several
    assert LedgerEntry.objects.filter(reference=rows.succeeded.reference).count() == 2
    assert several.count("Ledger entry") == 2


def test_what_is_not_there_says_so_and_repeats_no_secret() -> None:
    everything()
    desk = desk_of(operator())
    secret = "tt_live_" + "a" * 36
    for term in (
        "task_nothing",
        "nobody@desk.example",
        "'; DROP TABLE x --",
        "\x00",
        "😀" * 200,
        secret,
        "%",
        "voucher:9",
    ):
        response = desk.post("/admin/find/", {"term": term})
        assert response.status_code == 200, term
        assert secret not in response.content.decode()
    assert desk.get("/admin/find/?term=task_x").status_code == 200
    assert "Nothing of that name" not in text_of(desk.get("/admin/find/"))
    assert desk.put("/admin/find/").status_code == 405


def test_only_what_an_operator_may_see_is_found(django_assert_max_num_queries: Callable[..., object]) -> None:
    rows = everything()
    desk = desk_of(clerk("view_generation"))
    assert where(desk, rows.failed.task_id) == of(rows.failed)
    for term in (
        rows.customer.user.email,
        rows.customer.organization.slug,
        rows.payment.public_id,
        "evt_dora",
    ):
        assert where(desk, term) == ""
        assert "Nothing of that name that you may see" in text_of(desk.post("/admin/find/", {"term": term}))
    assert User.objects.filter(email=rows.customer.user.email).exists()


def test_failed_task_says_why_in_one_place() -> None:
    rows: Rows = everything()
    Generation.objects.filter(pk=rows.failed.pk).update(request_id="req_00bb")
    Attempt.objects.filter(generation=rows.failed).update(detail="out of paint", cost_micros=1500)
    page = text_of(desk_of(operator()).get(of(rows.failed)))
    for words in (
        "Failed",
        "No upstream could make it: their words are below.",
        "It cost the customer nothing.",
        "out of paint",
        "0.0015 USD",
        "hold",
        "release",
        "req_00bb",
        "Dora's Studio",
    ):
        assert words in page, words
    delivered = text_of(desk_of(operator("second@shop.example")).get(of(rows.succeeded)))
    assert "It was delivered, and charged for what was delivered." in delivered
    assert "capture" in delivered
