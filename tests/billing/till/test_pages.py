"""The till's pages, as a browser asks for them."""

import http.client
import re
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from tests.billing.till.buying import checkout, customer, paid, price, with_card
from tests.till import RunningTill


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return unescape(re.sub(r"\s+", " ", self.body.decode()))

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


def visit(till: RunningTill, path: str, form: dict[str, str] | None = None, **headers: str) -> Page:
    """A GET, or with `form` a POST from the same site."""
    sent = {"Sec-Fetch-Site": "same-origin"} | {k.replace("_", "-"): v for k, v in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", till.port, timeout=10)) as connection:
        if form is None:
            connection.request("GET", path, headers=sent)
        else:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode(form), sent)
        answer = connection.getresponse()
        return Page(answer.status, answer.headers, answer.read())


def test_link_that_leads_nowhere_says_what_to_do_in_the_readers_language(till: RunningTill) -> None:
    for path in ("/pay/cs_test_none", "/receipts/ch_none"):
        page = visit(till, path, Accept_Language="de")
        assert page.status == 404
        assert "Öffnen Sie die Seite" in page.text
        assert "No such" not in page.text


# --- The pay page -----------------------------------------------------------------------------------


def test_pay_page_says_first_that_no_money_moves(till: RunningTill, client: stripe.StripeClient) -> None:
    page = visit(till, f"/pay/{checkout(client).id}")
    main = page.text.partition("<main")[2]
    assert re.search(r"<p[^>]*><strong>No money moves here\.", main[:200])
    for shown in ("600 credits", "Pay 12.00 USD", "Decline", "Pay later by bank", "Leave without paying"):
        assert shown in main
    assert "Promotion code" not in main
    assert "terms" not in main


def test_paying_leads_back_to_the_shop(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    policy = visit(till, f"/pay/{made.id}").headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:8000" in policy
    done = visit(till, f"/pay/{made.id}", {"action": "pay"})
    assert (done.status, done.location) == (303, f"http://localhost:8000/credits/?session={made.id}")
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "paid"
    again = visit(till, f"/pay/{made.id}")
    assert "already done" in again.text
    assert f'href="http://localhost:8000/credits/?session={made.id}"' in again.text
    assert visit(till, f"/pay/{made.id}", {"action": "pay"}).status == 200


def test_declined_card_may_try_again(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    page = visit(till, f"/pay/{made.id}", {"action": "decline"})
    assert page.status == 402
    assert "nothing was charged" in page.text
    assert "<title>Not paid yet" in page.text
    assert visit(till, f"/pay/{made.id}", {"action": "pay"}).status == 303


def test_shops_address_may_have_any_letters(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, success_url="http://localhost:8000/zoë/?影={CHECKOUT_SESSION_ID}")
    done = visit(till, f"/pay/{made.id}", {"action": "pay"})
    assert done.location == f"http://localhost:8000/zo%C3%AB/?%E5%BD%B1={made.id}"


def test_paying_by_bank_leads_back_unpaid(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    assert visit(till, f"/pay/{made.id}", {"action": "bank"}).status == 303
    assert client.v1.checkout.sessions.retrieve(made.id).payment_status == "unpaid"


def test_expired_checkout_leads_back(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    till.expire(made.id)
    page = visit(till, f"/pay/{made.id}")
    assert "has expired" in page.text
    assert 'href="http://localhost:8000/credits/"' in page.text


def test_terms_are_asked_for(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, consent_collection={"terms_of_service": "required"})
    page = visit(till, f"/pay/{made.id}", {"action": "pay"})
    assert (page.status, "Please accept the terms" in page.text) == (400, True)
    assert visit(till, f"/pay/{made.id}", {"action": "pay", "terms": "accepted"}).status == 303


def test_code_makes_it_cheaper(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(
        client,
        allow_promotion_codes=True,
        automatic_tax={"enabled": True},
        line_items=[{**price(), "quantity": 2}],
    )
    page = visit(till, f"/pay/{made.id}", {"action": "code", "code": "<b>"})
    assert (page.status, "“<b>” is not a code" in page.text, b"<b>" in page.body) == (400, True, False)
    assert visit(till, f"/pay/{made.id}", {"action": "pay", "code": "NONE"}).status == 400
    assert visit(till, f"/pay/{made.id}", {"action": "code", "code": "half"}).status == 303
    text = visit(till, f"/pay/{made.id}").text
    for shown in ("2 × 12.00 USD", "24.00 USD", "−12.00 USD", "2.28 USD", "Pay 14.28 USD"):
        assert shown in text
    free = checkout(client, allow_promotion_codes=True)
    visit(till, f"/pay/{free.id}", {"action": "code", "code": "FREE"})
    assert "Complete the order" in visit(till, f"/pay/{free.id}").text


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("jpy", 1200, "1,200 JPY"),
        ("kwd", 1234500, "1,234.500 KWD"),
        ("eur", 50, "0.50 EUR"),
        ("ugx", 120000, "1,200.00 UGX"),
    ],
)
def test_amounts_have_their_currencys_decimals(
    till: RunningTill, client: stripe.StripeClient, currency: str, amount: int, shown: str
) -> None:
    made = checkout(client, line_items=[price(amount, currency)])
    assert f"Pay {shown}" in visit(till, f"/pay/{made.id}").text


def test_card_to_be_saved_is_chosen(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    made = client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "usd",
            "customer": buyer.id,
            "success_url": "http://localhost/",
            "locale": "de",
        }
    )
    assert "Karte für später speichern" in visit(till, f"/pay/{made.id}").text
    assert visit(till, f"/pay/{made.id}", {"action": "decline"}).status == 402
    assert visit(till, f"/pay/{made.id}", {"action": "pay", "card": "needs_authentication"}).status == 303
    (method,) = client.v1.customers.payment_methods.list(buyer.id).data
    assert method.card is not None
    assert method.card.last4 == "3184"


# --- What banks ask, and where cards are looked after ----------------------------------------------


def intent_that_asks(till: RunningTill, client: stripe.StripeClient, **more: str) -> str:
    buyer, method = with_card(client, till, "needs_authentication")
    params: Any = {"amount": 1500, "currency": "usd", "customer": buyer, "payment_method": method}
    params |= {"confirm": True, "allowed_payment_method_types": ["card"], **more}
    made = client.v1.payment_intents.create(params)
    assert made.status == "requires_action"
    return made.id


def test_customer_confirms_on_a_page(till: RunningTill, client: stripe.StripeClient) -> None:
    path = f"/authenticate/{intent_that_asks(till, client)}"
    assert "Is it you who pays 15.00 USD?" in visit(till, path).text
    done = visit(till, path, {"action": "confirm"})
    assert "15.00 USD are paid" in done.text
    assert "15.00 USD are paid" in visit(till, path, {"action": "confirm"}).text


def test_customer_refuses_on_a_page(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = intent_that_asks(till, client, return_url="http://localhost:8000/credits/")
    done = visit(till, f"/authenticate/{intent}", {"action": "refuse"})
    assert (done.status, done.location) == (303, "http://localhost:8000/credits/")
    assert client.v1.payment_intents.retrieve(intent).status == "requires_payment_method"
    declined = client.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    assert "nothing to confirm" in visit(till, f"/authenticate/{declined.id}").text


def test_portal_adds_and_removes_cards(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    session = client.v1.billing_portal.sessions.create(
        {
            "customer": buyer.id,
            "return_url": "http://localhost:8000/credits/",
            "flow_data": {"type": "payment_method_update"},
        }
    )
    path = session.url.removeprefix(till.base_url)
    assert "No card is saved yet" in visit(till, path).text
    for card in ("works", "declines_later"):
        assert visit(till, path, {"action": "add", "card": card}).location == path
    text = visit(till, path).text
    assert "ends in 4242" in text
    assert "declined when it is charged later" in text
    assert 'href="http://localhost:8000/credits/"' in text
    newest, oldest = client.v1.customers.payment_methods.list(buyer.id).data
    settings = client.v1.customers.retrieve(buyer.id).invoice_settings
    assert settings is not None
    assert settings.default_payment_method == newest.id
    assert visit(till, path, {"action": "remove", "method": oldest.id}).status == 303
    assert [method.id for method in client.v1.customers.payment_methods.list(buyer.id).data] == [newest.id]
    assert visit(till, path, {"action": "remove", "method": oldest.id}).status == 400
    for form in (None, {"action": "add"}):
        assert visit(till, "/portal/p_none", form).status == 404


def test_wrong_portal_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="customer"):
        client.v1.billing_portal.sessions.create({})
    with pytest.raises(stripe.InvalidRequestError, match="URL"):
        client.v1.billing_portal.sessions.create({"customer": customer(client).id, "return_url": "x"})
    with pytest.raises(stripe.InvalidRequestError, match="subscription_cancel"):
        client.v1.billing_portal.sessions.create(
            {"customer": customer(client).id, "flow_data": {"type": "subscription_cancel"}}
        )


# --- Papers -----------------------------------------------------------------------------------------


def test_receipt(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till, payment_intent_data={"description": "600 credits"})
    till.refund(intent, 200)
    charge = client.v1.payment_intents.retrieve(intent).latest_charge
    text = visit(till, f"/receipts/{charge}").text
    for shown in ("Receipt for 12.00 USD", "600 credits", "4242", "2.00 USD"):
        assert shown in text
    declined = checkout(client)
    till.decline(declined.id)
    of_declined = client.v1.checkout.sessions.retrieve(
        declined.id, {"expand": ["payment_intent"]}
    ).payment_intent
    assert isinstance(of_declined, stripe.PaymentIntent)
    assert "not paid" in visit(till, f"/receipts/{of_declined.latest_charge}").text


@pytest.mark.parametrize("name", ["600 credits (Zoë’s)", "六百", "x" * 200])
def test_invoice_is_a_page_and_a_pdf(till: RunningTill, client: stripe.StripeClient, name: str) -> None:
    items = [price(product_data={"name": name}), {**price(100), "quantity": 2}]
    made = checkout(
        client,
        line_items=items,
        invoice_creation={"enabled": True},
        automatic_tax={"enabled": True},
        discounts=[{"coupon": "HALF"}],
    )
    invoice = till.pay(made.id)["invoice"]
    page = visit(till, f"/invoices/{invoice}")
    assert name in page.text
    assert "8.33 USD" in page.text
    pdf = visit(till, f"/invoices/{invoice}/pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.body.startswith(b"%PDF-1.4")
    start = int(pdf.body.rsplit(b"startxref\n")[1].split()[0])
    assert pdf.body[start:].startswith(b"xref")
    assert b"(8.33 USD)" in pdf.body


# --- The desk ---------------------------------------------------------------------------------------


def press(till: RunningTill, intent: str, action: str, **more: str) -> Page:
    return visit(till, "/", {"payment": intent, "action": action, **more})


def test_desk_shows_payments_and_open_checkouts(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till, customer=customer(client, name="<Alice>").id)
    waiting = checkout(client)
    page = visit(till, "/")
    text = page.text
    assert text.index("No money moves here.") < text.index(intent)
    assert b"&lt;Alice&gt;" in page.body
    assert f'href="/pay/{waiting.id}"' in text


def test_desk_refunds(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    done = press(till, intent, "refund", amount="2,50")
    assert (done.status, done.location) == (303, f"/#{intent}")
    (refund,) = client.v1.refunds.list({"payment_intent": intent}).data
    assert refund.amount == 250
    text = visit(till, "/").text
    assert 'value="9.50"' in text
    assert "2.50 USD refunded" in text
    assert press(till, intent, "fail_refund", refund=refund.id).status == 303
    assert "Refund of 2.50 USD came back" in visit(till, "/").text


@pytest.mark.parametrize("amount", ["", "x", "1.234", "1.", "-1", "12.01", "0", "9999999999", "١"])
def test_desk_refuses_what_is_no_amount(till: RunningTill, client: stripe.StripeClient, amount: str) -> None:
    intent = paid(client, till)
    assert press(till, intent, "refund", amount=amount).status == 400
    assert client.v1.refunds.list({"payment_intent": intent}).data == []


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_desk_disputes(till: RunningTill, client: stripe.StripeClient, outcome: str) -> None:
    intent = paid(client, till)
    press(till, intent, "inquire")
    (dispute,) = client.v1.disputes.list({"payment_intent": intent}).data
    assert "inquiry" in visit(till, "/").text
    press(till, intent, "escalate", dispute=dispute.id)
    assert "The shop wins the dispute" in visit(till, "/").text
    press(till, intent, "close", dispute=dispute.id, outcome=outcome)
    assert client.v1.disputes.retrieve(dispute.id).status == outcome
    assert f"dispute {outcome}" in visit(till, "/").text
    assert press(till, intent, "warn").status == 303
    other = paid(client, till)
    assert press(till, other, "dispute").status == 303
    assert client.v1.disputes.list({"payment_intent": other}).data[0].status == "needs_response"


@pytest.mark.parametrize(
    ("action", "status"), [("bank_arrives", "succeeded"), ("bank_fails", "requires_payment_method")]
)
def test_desk_lets_the_bank_answer(
    till: RunningTill, client: stripe.StripeClient, action: str, status: str
) -> None:
    intent = till.pay_by_bank(checkout(client).id)["payment_intent"]
    assert "The money arrives" in visit(till, "/").text
    assert press(till, intent, action).status == 303
    assert client.v1.payment_intents.retrieve(intent).status == status


def test_desk_leads_to_payments_that_ask_and_to_older_ones(
    till: RunningTill, client: stripe.StripeClient
) -> None:
    intent = intent_that_asks(till, client)
    assert f'href="/authenticate/{intent}"' in visit(till, "/").text
    for _ in range(21):
        client.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    page = visit(till, "/")
    assert intent not in page.text
    older = re.search(r'href="(/\?before=\w+)"', page.text)
    assert older is not None
    assert intent in visit(till, older[1]).text


def test_desk_refuses_unknown_buttons(till: RunningTill, client: stripe.StripeClient) -> None:
    assert press(till, paid(client, till), "steal").status == 400
    assert press(till, "pi_none", "dispute").status == 404
    assert press(till, till.pay_by_bank(checkout(client).id)["payment_intent"], "dispute").status == 400


# --- Guards -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_forms_of_other_sites_do_nothing(
    till: RunningTill, client: stripe.StripeClient, headers: dict[str, str]
) -> None:
    made = checkout(client)
    if "Origin" in headers:  # of a browser that sends no more than that
        with closing(http.client.HTTPConnection("127.0.0.1", till.port, timeout=10)) as connection:
            connection.request("POST", f"/pay/{made.id}", "action=pay", headers)
            assert connection.getresponse().status == 403
    else:
        assert visit(till, f"/pay/{made.id}", {"action": "pay"}, **headers).status == 403
    assert client.v1.checkout.sessions.retrieve(made.id).status == "open"


def test_forms_of_older_browsers_are_taken(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    with closing(http.client.HTTPConnection("127.0.0.1", till.port, timeout=10)) as connection:
        headers = {"Origin": till.base_url, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/pay/{made.id}", "action=pay", headers)
        assert connection.getresponse().status == 303


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example:8001"])
def test_strangers_names_for_the_till_are_refused(till: RunningTill, host: str) -> None:
    assert visit(till, "/", Host=host).status == 400


def test_names_of_this_machine_are_taken(till: RunningTill) -> None:
    for host in ("localhost", f"localhost:{till.port}", "127.0.0.1", "[::1]:8001"):
        assert visit(till, "/", Host=host).status == 200


@pytest.mark.parametrize("path", ["/", "/pay/cs_test_none", "/nothing", "/till.css", "/palette.css"])
def test_every_answer_is_guarded(till: RunningTill, path: str) -> None:
    page = visit(till, path)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<script" not in page.body
    assert b"style=" not in page.body


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/nothing", None, 404),
        ("/receipts/ch_none", None, 404),
        ("/invoices/in_none", None, 404),
        ("/receipts/ch_none", {"action": "x"}, 405),
        ("/", {f"f{n}": "x" for n in range(1001)}, 400),
    ],
)
def test_wrong_requests_get_a_page(
    till: RunningTill, path: str, form: dict[str, str] | None, status: int
) -> None:
    page = visit(till, path, form)
    assert page.status == status
    assert "That did not work" in page.text


@pytest.mark.parametrize("accepted", ["", "*", "xx", "tlh;q=1, en;q=0.5", "en-GB", ";;;"])
def test_languages_that_are_not_there_are_english(till: RunningTill, accepted: str) -> None:
    assert '<html lang="en"' in visit(till, "/", Accept_Language=accepted).text
