"""The till's objects have the members that Stripe publishes."""

import json
from collections.abc import Iterator
from typing import Any

import stripe

from tests.billing.till.buying import checkout, customer, kinds
from tests.processes import ROOT
from tests.till import RunningTill, running_till

# Stripe's own samples lie beside the working copy, if anywhere; without them there is nothing to compare with.
PLACES = [folder / "shared" / "stripe" / "objects.json" for folder in (ROOT, ROOT.parent)]
# Only a till that tells somebody of events has one.
ELSEWHERE = {"webhook_endpoint"}
# What is another kind of the same in the sample, or is there only when it is expanded.
EXCEPT = {
    "charge.refunds",
    "event.data.object",
    "payment_method.metadata.order_id",  # as somebody had written it there
    "refund.destination_details.card",
}


def samples() -> dict[str, Any]:
    for place in PLACES:
        if place.exists():
            found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))["resources"]
            return found
    return {}


def everything(till: RunningTill, client: stripe.StripeClient) -> dict[str, dict[str, Any]]:
    """One object of each kind, after much has happened to it."""
    buyer = customer(client)
    sold = checkout(
        client,
        customer=buyer.id,
        customer_update={"address": "auto", "name": "auto"},
        automatic_tax={"enabled": True},
        allow_promotion_codes=True,
        consent_collection={"terms_of_service": "required"},
        invoice_creation={"enabled": True},
        payment_intent_data={"setup_future_usage": "off_session"},
        saved_payment_method_options={"payment_method_save": "enabled"},
        tax_id_collection={"enabled": True},
        adaptive_pricing={"enabled": False},
    )
    intent = till.pay(sold.id, promotion_code="HALF")["payment_intent"]
    refund, dispute = till.refund(intent, 100), till.dispute(intent)
    setup = client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": buyer.id, "success_url": "http://localhost/"}
    )
    done = client.v1.checkout.sessions.retrieve(
        sold.id,
        {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items.data.price.product"]},
    ).to_dict(for_json=True)
    charge = done["payment_intent"].pop("latest_charge")
    items = done.pop("line_items")["data"]
    invoice = client.v1.invoices.retrieve(done["invoice"]).to_dict(for_json=True)
    product = items[0]["price"].pop("product")
    found = [
        client.v1.customers.retrieve(buyer.id).to_dict(for_json=True),
        {**done, "payment_intent": done["payment_intent"]["id"]},
        {**done["payment_intent"], "latest_charge": charge["id"]},
        {**charge, "balance_transaction": None},
        charge["balance_transaction"],
        {**items[0], "price": {**items[0]["price"], "product": product["id"]}},
        {**items[0]["price"], "product": product["id"]},
        product,
        invoice,
        invoice["lines"]["data"][0],
        client.v1.refunds.retrieve(refund["id"]).to_dict(for_json=True),
        client.v1.disputes.retrieve(dispute["id"]).to_dict(for_json=True),
        client.v1.customers.payment_methods.list(buyer.id).data[0].to_dict(for_json=True),
        client.v1.setup_intents.retrieve(str(setup.setup_intent)).to_dict(for_json=True),
        client.v1.events.list({"limit": 1}).data[0].to_dict(for_json=True),
        client.v1.promotion_codes.list({"code": "HALF"}).data[0].to_dict(for_json=True),
        client.v1.coupons.retrieve("HALF").to_dict(for_json=True),
        client.v1.billing_portal.sessions.create({"customer": buyer.id}).to_dict(for_json=True),
    ]
    return {body["object"]: body for body in found}


def differences(sample: Any, ours: Any, path: str) -> Iterator[str]:
    if path in EXCEPT:
        return
    if isinstance(sample, dict) and isinstance(ours, dict):
        for name, value in sample.items():
            if name not in ours:
                if f"{path}.{name}" not in EXCEPT:
                    yield f"{path}.{name} is missing"
            else:
                yield from differences(value, ours[name], f"{path}.{name}")
    elif isinstance(sample, list) and isinstance(ours, list) and sample and ours:
        yield from differences(sample[0], ours[0], f"{path}[]")
    elif None not in (sample, ours) and _kind(sample) is not _kind(ours):
        yield f"{path} is {ours!r}, in the sample {sample!r}"


def _kind(value: Any) -> type:
    """JSON has one kind of number."""
    return float if type(value) is int else type(value)


def test_objects_have_stripes_members(till: RunningTill, client: stripe.StripeClient) -> None:
    ours = everything(till, client)
    assert len(ours) == 18
    published = {kind: body for kind, body in samples().items() if kind not in ELSEWHERE}
    assert [d for kind, body in published.items() for d in differences(body, ours.get(kind, {}), kind)] == []


def test_the_endpoint_that_is_told_has_stripes_members() -> None:
    url = "http://127.0.0.1:9/webhooks/stripe"
    with running_till(url) as till:
        [endpoint] = till.client().v1.webhook_endpoints.list().data
    assert (endpoint.url, endpoint.status, endpoint.enabled_events) == (url, "enabled", ["*"])
    for body in [body for kind, body in samples().items() if kind in ELSEWHERE]:
        assert list(differences(body, endpoint.to_dict(for_json=True), "endpoint")) == []


def test_events_have_the_same_members_as_what_is_asked_for(
    till: RunningTill, client: stripe.StripeClient
) -> None:
    made = checkout(client)
    till.pay(made.id)
    assert kinds(till, made.id) == ["checkout.session.completed"]
    told = till.events("checkout.session.completed")[-1]["data"]["object"]
    assert told == client.v1.checkout.sessions.retrieve(made.id).to_dict(for_json=True)
