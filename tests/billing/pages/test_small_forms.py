"""Vouchers and mail about a low balance, as people enter them."""

import pytest
from django.test import Client

from billing.models import BalanceNotice
from tests.billing.gifts import a_voucher
from tests.cast import Person
from tests.makers import wallet_of
from tests.pages import browser_of, text_of


@pytest.fixture
def client(alice: Person) -> Client:
    return browser_of(alice)


def test_voucher_brings_its_credits_however_it_is_typed(client: Client, alice: Person) -> None:
    voucher = a_voucher(credits=250)
    response = client.post("/credits/voucher/", {"code": f" {voucher.code.lower()} "}, follow=True)
    words = text_of(response)
    assert "The voucher brought 250 credits." in words
    assert "Given +250 0 voucher" in words
    assert wallet_of(alice.organization)[0] == 1750


@pytest.mark.parametrize("code", ["", "NOPE", "\x00", "<b>", "ä" * 500])
def test_voucher_that_does_not_exist_is_named_beside_its_field_and_kept(
    client: Client, alice: Person, code: str
) -> None:
    response = client.post("/credits/voucher/", {"code": code})
    assert response.status_code == 400
    html = response.content.decode()
    assert "There is no voucher with this code. Look for a mistyped sign." in html
    assert 'aria-describedby="voucher-problem"' in html
    assert "<b>" not in html.partition('id="code"')[2].partition(">")[0]
    if code == "NOPE":
        assert 'value="NOPE"' in html
    assert wallet_of(alice.organization)[0] == 1500


def test_second_use_is_refused(client: Client) -> None:
    voucher = a_voucher()
    client.post("/credits/voucher/", {"code": voucher.code})
    response = client.post("/credits/voucher/", {"code": voucher.code})
    assert response.status_code == 400
    assert "You have used this voucher already." in text_of(response)


def test_who_guesses_has_to_wait_and_keeps_what_was_typed(client: Client) -> None:
    answers = [client.post("/credits/voucher/", {"code": f"GUESS{number}"}) for number in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert answers[-1]["Retry-After"]
    assert "Too many vouchers were tried." in text_of(answers[-1])
    assert 'value="GUESS5"' in answers[-1].content.decode()


def test_threshold_of_the_mail_is_set_shown_and_cleared(client: Client, alice: Person) -> None:
    words = text_of(client.post("/credits/low/", {"threshold": " 300 "}, follow=True))
    assert "You get a mail when few credits are left." in words
    assert BalanceNotice.objects.get().threshold_credits == 300
    assert 'autocomplete="off" value="300"' in client.get("/credits/").content.decode()
    words = text_of(client.post("/credits/low/", {"threshold": ""}, follow=True))
    assert "No more mails about low balance." in words
    assert not BalanceNotice.objects.exists()


@pytest.mark.parametrize("sent", ["0", "-1", "1.5", "many", "٣", "\x00", "1000000001", "9" * 30])
def test_bad_threshold_is_named_beside_its_field_and_kept(client: Client, sent: str) -> None:
    client.post("/credits/low/", {"threshold": "5"})
    response = client.post("/credits/low/", {"threshold": sent})
    assert response.status_code == 400
    html = response.content.decode()
    assert "A whole number of credits, or nothing for no mail." in html
    assert 'aria-describedby="threshold-problem" aria-invalid="true"' in html
    assert f'value="{sent[:20]}"' in html
    assert BalanceNotice.objects.get().threshold_credits == 5
