"""A new key for credentials, without a gap."""

from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts import sealing
from billing.stripe_gateway import credentials
from generations.models import Upstream
from tests.billing.stripe.shops import SIGNER, with_key
from tests.makers import an_organization, an_upstream
from tests.several import a_shop
from webhooks import secrets

pytestmark = pytest.mark.django_db
OLD, NEW = "o" * 40, "n" * 40


def reseal() -> str:
    out = StringIO()
    call_command("reseal", stdout=out)
    return out.getvalue().strip()


def test_with_both_keys_all_is_readable_and_afterwards_with_the_new_one_alone(settings: Settings) -> None:
    settings.SEALING_KEYS = [OLD]
    upstream = an_upstream(credential="sk-1", webhook_secret="whsec_1")
    an_upstream()
    settings.SEALING_KEYS = [NEW, OLD]
    assert Upstream.objects.get(pk=upstream.pk).credential == "sk-1"
    assert reseal() == "2"
    settings.SEALING_KEYS = [NEW]
    row = Upstream.objects.get(pk=upstream.pk)
    assert (row.credential, row.webhook_secret) == ("sk-1", "whsec_1")


def test_secrets_of_webhooks_are_sealed_anew_as_well(settings: Settings) -> None:
    settings.SEALING_KEYS = [OLD]
    organization = an_organization()
    known = secrets.default_secret(organization)
    settings.SEALING_KEYS = [NEW, OLD]
    assert reseal() == "1"
    settings.SEALING_KEYS = [NEW]
    assert secrets.default_secret(organization) == known


def test_keys_of_shops_at_stripe_are_sealed_anew_as_well(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SEALING_KEYS, settings.TILL, settings.DEMO = [OLD], False, False
    shop = a_shop().shop
    with_key(shop, "sk_test_51known")
    settings.SEALING_KEYS = [NEW, OLD]
    assert reseal() == "2"
    settings.SEALING_KEYS = [NEW]
    found = credentials.of_shop(shop.pk)
    assert found is not None
    assert (found.key, found.webhook_secrets) == ("sk_test_51known", [SIGNER])
    settings.SEALING_KEYS = [OLD]
    with pytest.raises(SystemExit):
        reseal()
    assert f"Stripe of {shop.slug}" in capsys.readouterr().err


def test_what_cannot_be_read_is_named_and_nothing_is_changed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SEALING_KEYS = [OLD]
    lost = an_upstream(name="Lost", credential="sk-1")
    settings.SEALING_KEYS = [NEW]
    kept = an_upstream(credential="sk-2")
    before = kept.sealed_credential
    with pytest.raises(SystemExit):
        reseal()
    assert "Lost" in capsys.readouterr().err
    assert Upstream.objects.get(pk=kept.pk).sealed_credential == before
    with pytest.raises(sealing.Unreadable):
        _ = Upstream.objects.get(pk=lost.pk).credential


def test_what_lies_in_the_database_is_no_text(settings: Settings) -> None:
    upstream = an_upstream(credential="sk-in-the-clear")
    assert "sk-in-the-clear" not in upstream.sealed_credential
    assert sealing.seal("") == sealing.unseal("") == ""
