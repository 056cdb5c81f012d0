"""The desk's page "Stripe": a shop's key is entered, tried and taken away, and never shown again."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from accounts import sealing
from accounts.desk import scope
from accounts.models import Shop
from accounts.shops import first_shop
from billing import connecting
from billing.models import Payment, StripeAccount
from billing.stripe_gateway import credentials
from tests.billing.stripe.buying import a_buyer
from tests.billing.stripe.shops import SIGNER, with_key
from tests.makers import a_payment, ago
from tests.operators import clerk, desk_of, is_told, operator
from tests.pages import text_of
from tests.several import a_shop
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
PAGE = "/admin/stripe/"
TEST, LIVE = "sk_test_51hushhush", "sk_live_51hushhush"


@pytest.fixture
def shop(till: RunningTill, settings: Settings) -> Shop:
    settings.TILL, settings.DEMO = False, False
    return a_shop("Plates").shop


@pytest.fixture
def desk(shop: Shop) -> Client:
    """Of the platform's staff, who look at Plates."""
    return showing(desk_of(operator()), shop)


def showing(client: Client, shop: Shop) -> Client:
    session = client.session
    session[scope.CHOSEN] = shop.pk
    session.save()
    return client


def save(desk: Client, **fields: str) -> Any:
    sent = {"action": "save", "key": TEST, "signers": SIGNER} | fields
    return desk.post(PAGE, {name: value for name, value in sent.items() if value}, follow=True)


def test_a_key_is_entered_tried_and_never_shown_again(desk: Client, shop: Shop, till: RunningTill) -> None:
    assert "not connected with Stripe" in text_of(desk.get(PAGE))
    assert "http://plates.example:8000/webhooks/stripe" in text_of(desk.get(PAGE))
    its_own = till.of_shop(shop.pk)
    answer = save(desk, key=its_own.secret_key, promotion_codes="on")
    assert "Stripe takes this key." in text_of(answer)
    account = StripeAccount.objects.get(shop=shop)
    assert (account.livemode, account.promotion_codes, account.tax) == (False, True, False)
    for stored in (account.sealed_key, account.sealed_webhook_secrets, account.key_digest or ""):
        assert its_own.secret_key not in stored
        assert SIGNER not in stored
    page = desk.get(PAGE).content.decode()
    assert its_own.secret_key[-4:] in page
    assert its_own.secret_key not in page
    assert SIGNER not in page
    assert LogEntry.objects.get().get_change_message() == "Stripe: a test key is set."
    assert is_told("Stripe: a test key is set.")


def test_what_is_left_empty_stays(desk: Client, shop: Shop) -> None:
    save(desk)
    save(desk, key="", signers="whsec_new1, whsec_old1", tax="on")
    found = credentials.of_shop(shop.pk)
    assert found is not None
    assert (found.key, found.webhook_secrets, found.tax) == (TEST, ["whsec_new1", "whsec_old1"], True)


def test_a_key_that_stripe_refuses_is_told_and_kept(desk: Client, shop: Shop) -> None:
    words = text_of(save(desk))
    assert "Stripe refuses this key" in words
    assert "51hush" not in words
    assert "Stripe refuses this key" in text_of(desk.post(PAGE, {"action": "check"}, follow=True))


def test_while_stripe_is_away_it_is_kept_as_well(desk: Client, shop: Shop, till: RunningTill) -> None:
    its_own = till.of_shop(shop.pk)
    its_own.behave(down=True)
    assert "does not answer at the moment" in text_of(save(desk, key=its_own.secret_key))
    its_own.behave(reset=True)
    assert connecting.connected(shop.pk) is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": ""}, "Enter the shop's secret or restricted key"),
        ({"key": "pk_live_51hushhush"}, "such as sk_live_… or rk_test_…"),
        ({"key": f"{TEST} {TEST}"}, "such as sk_live_… or rk_test_…"),
        ({"signers": ""}, "Enter the signing secret"),
        ({"signers": TEST}, "Expected whsec_…"),
        ({"signers": f"{SIGNER},hushhush"}, "Expected whsec_…"),
        ({"signers": ",".join(f"whsec_hush{n}" for n in range(4))}, "at most three"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    desk: Client, shop: Shop, fields: dict[str, str], words: str
) -> None:
    answer = save(desk, **fields)
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert "hush" not in answer.content.decode()
    assert not StripeAccount.objects.exclude(sealed_key="").exists()


def test_a_live_key_is_nothing_for_a_demo(desk: Client, shop: Shop, settings: Settings) -> None:
    settings.DEMO = True
    assert "a demo moves no money" in text_of(save(desk, key=LIVE))
    settings.DEMO = False
    save(desk, key=LIVE)
    found = credentials.of_shop(shop.pk)
    assert found is not None
    assert (found.livemode, found.base) == (True, ""), "A live key is for Stripe alone"
    settings.DEMO = True
    assert credentials.of_shop(shop.pk) is None
    assert not credentials.usable().filter(shop=shop).exists()
    assert "this is a demo: nobody can buy here" in text_of(desk.get(PAGE))


def test_a_test_key_is_nothing_for_a_shop_that_was_paid(desk: Client, shop: Shop, till: RunningTill) -> None:
    save(desk, key=LIVE)
    account = StripeAccount.objects.get(shop=shop)
    organization = a_buyer(till, shop).organization
    payment = a_payment(organization, livemode=True, paid_at=ago(1))
    Payment.objects.filter(pk=payment.pk).update(account=account)
    assert "was paid with a live one" in text_of(save(desk))
    found = credentials.of_shop(shop.pk)
    assert found is not None
    assert found.key == LIVE


def test_from_test_to_live_only_one_key_is_in_use(desk: Client, shop: Shop) -> None:
    save(desk)
    save(desk, key=LIVE)
    rows = StripeAccount.objects.filter(shop=shop).order_by("livemode").values_list("livemode", "key_digest")
    assert [(livemode, digest is not None) for livemode, digest in rows] == [(False, False), (True, True)]


def test_a_key_belongs_to_one_shop(desk: Client, shop: Shop, settings: Settings) -> None:
    with_key(a_shop("Prints").shop, TEST)
    assert "Another shop uses this key" in text_of(save(desk))
    assert "Another shop uses this key" in text_of(save(desk, key=settings.STRIPE_SECRET_KEY))
    assert connecting.connected(shop.pk) is None


def test_the_first_shop_s_key_is_in_the_settings(shop: Shop, settings: Settings) -> None:
    desk = showing(desk_of(operator()), first_shop())
    page = text_of(desk.get(PAGE))
    assert "STRIPE_SECRET_KEY" in page
    assert settings.STRIPE_SECRET_KEY not in page
    save(desk)
    assert not StripeAccount.objects.exclude(sealed_key="").exists()
    assert "Stripe takes this key." in text_of(desk.post(PAGE, {"action": "check"}, follow=True))


def test_a_key_is_taken_away(desk: Client, shop: Shop) -> None:
    save(desk)
    assert "The key is gone" in text_of(desk.post(PAGE, {"action": "disconnect"}, follow=True))
    assert credentials.of_shop(shop.pk) is None
    assert StripeAccount.objects.get(shop=shop).key_digest is None


def test_a_key_that_cannot_be_read_is_told_and_entered_again(
    desk: Client, shop: Shop, settings: Settings
) -> None:
    save(desk)
    settings.SEALING_KEYS = ["another key, of which nobody knew anything"]
    assert "CREDENTIALS_KEY was changed" in text_of(desk.get(PAGE))
    assert "cannot be read" in text_of(desk.post(PAGE, {"action": "check"}, follow=True))
    assert "Enter the signing secret" in text_of(save(desk, signers=""))
    save(desk)
    assert sealing.is_readable(StripeAccount.objects.get(shop=shop).sealed_key)


def test_in_a_demo_nothing_has_to_be_entered(desk: Client, settings: Settings) -> None:
    settings.TILL = settings.DEMO = True
    assert "paid at the till of this demo" in text_of(desk.get(PAGE))
    assert "Stripe takes this key." in text_of(desk.post(PAGE, {"action": "check"}, follow=True))


def test_it_is_for_those_who_were_given_it(shop: Shop) -> None:
    assert desk_of(clerk("view_payment")).get(PAGE).status_code == 403
    allowed = desk_of(clerk("change_stripeaccount"))
    assert allowed.get(PAGE).status_code == 200
    assert allowed.put(PAGE).status_code == 405


def test_it_is_taken_away_at_once_only_when_nothing_needs_it(
    desk: Client, shop: Shop, till: RunningTill
) -> None:
    save(desk)
    account = StripeAccount.objects.get(shop=shop)
    payment = a_payment(a_buyer(till, shop).organization, session_id="cs_1")
    Payment.objects.filter(pk=payment.pk).update(account=account)
    assert "even so" in text_of(desk.get(PAGE))
    words = text_of(desk.post(PAGE, {"action": "disconnect"}, follow=True))
    assert "The key is needed yet: 1 purchase is not decided yet." in words
    assert connecting.connected(shop.pk) is not None
    words = text_of(desk.post(PAGE, {"action": "disconnect", "even_so": "on"}, follow=True))
    assert "This goes on once a key of the same account is entered here again." in words
    assert connecting.connected(shop.pk) is None
    said = LogEntry.objects.latest("pk").get_change_message()
    assert said == "Stripe: the key was taken away. Left: 1 purchase is not decided yet."
    assert is_told(said)
