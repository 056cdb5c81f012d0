"""Keys of Stripe at boot: live and test are never mixed, and no message repeats a secret."""

import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing import stripe_keys as keys
from config import stripe_keys
from tests.config.test_settings_boot import ROOT, boot, environment

LIVE, TEST = "sk_live_51hush", "sk_test_51hush"
SIGNER = "whsec_hush"


def settings_with(data_dir: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environment(data_dir, **variables))
        return runpy.run_path(str(ROOT / "config" / "settings.py"))


@pytest.mark.parametrize(
    ("variables", "named", "cure"),
    [
        ({"STRIPE_SECRET_KEY": LIVE, "DEMO": "1"}, "STRIPE_SECRET_KEY", "DEMO=0"),
        ({"STRIPE_SECRET_KEY": LIVE.replace("sk", "rk"), "DEMO": "1"}, "STRIPE_SECRET_KEY", "DEMO=0"),
        ({"STRIPE_SECRET_KEY": LIVE, "STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET", "whsec_"),
        ({"STRIPE_SECRET_KEY": TEST, "STRIPE_WEBHOOK_SECRET": " , "}, "STRIPE_WEBHOOK_SECRET", "whsec_"),
        ({"STRIPE_SECRET_KEY": LIVE, "STRIPE_API_BASE": "http://127.0.0.1:8001"}, "STRIPE_API_BASE", "leave"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "pk_live_51hush"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": "hush"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": "sk_live_"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": f"{TEST} {LIVE}"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": f"'{LIVE}'"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": "sk_live_51hüsh"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_SECRET_KEY": "sk_test_51\nhush"}, "STRIPE_SECRET_KEY", "sk_live_"),
        ({"STRIPE_WEBHOOK_SECRET": TEST}, "STRIPE_WEBHOOK_SECRET", "whsec_"),
        ({"STRIPE_WEBHOOK_SECRET": f"{SIGNER},hush"}, "STRIPE_WEBHOOK_SECRET", "whsec_"),
        ({"STRIPE_WEBHOOK_SECRET": f"{SIGNER} {SIGNER}"}, "STRIPE_WEBHOOK_SECRET", "whsec_"),
        ({"STRIPE_TAX": "perhaps"}, "STRIPE_TAX", "1 or 0"),
        ({"STRIPE_PROMOTION_CODES": "2"}, "STRIPE_PROMOTION_CODES", "1 or 0"),
        ({"STRIPE_API_BASE": "127.0.0.1"}, "STRIPE_API_BASE", "http://127.0.0.1:8001"),
        ({"STRIPE_PAGES": "pay.shop.example"}, "STRIPE_PAGES", "https://pay.shop.example"),
        ({"TILL_PORT": "0"}, "TILL_PORT", "65535"),
        ({"TILL_URL": "till"}, "TILL_URL", "https://till.example"),
    ],
)
def test_a_mix_or_garbage_is_refused_with_the_cure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    named: str,
    cure: str,
) -> None:
    usual = {"STRIPE_SECRET_KEY": TEST, "STRIPE_WEBHOOK_SECRET": SIGNER}
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_with(tmp_path, monkeypatch, **(usual | variables))
    message = str(refused.value)
    assert message.startswith(named)
    assert cure in message
    assert "hush" not in message
    assert "hüsh" not in message


def test_a_live_key_with_a_demo_stops_the_process(tmp_path: Path) -> None:
    done = boot(tmp_path, STRIPE_SECRET_KEY=LIVE, STRIPE_WEBHOOK_SECRET=SIGNER, DEMO="1")
    assert done.returncode == 1
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("STRIPE_SECRET_KEY: it is a live key and DEMO is on.")
    assert "hush" not in done.stderr


@pytest.mark.parametrize(("key", "is_live"), [(LIVE, True), (TEST, False), ("rk_test_51hush", False)])
def test_with_a_key_the_shop_is_no_demo_and_needs_no_till(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, is_live: bool
) -> None:
    read = settings_with(
        tmp_path, monkeypatch, STRIPE_SECRET_KEY=key, STRIPE_WEBHOOK_SECRET=f"{SIGNER}, whsec_older"
    )
    assert (read["DEMO"], read["TILL"], read["STRIPE_LIVEMODE"]) == (False, False, is_live)
    assert read["STRIPE_WEBHOOK_SECRETS"] == [SIGNER, "whsec_older"]
    assert read["STRIPE_API_BASE"] == ""
    assert read["STRIPE_PAGES"] == ["https://checkout.stripe.com", "https://billing.stripe.com"]


def test_a_key_from_a_file_counts_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"{LIVE}\n")
    read = settings_with(
        tmp_path, monkeypatch, STRIPE_SECRET_KEY_FILE=str(secret), STRIPE_WEBHOOK_SECRET=SIGNER
    )
    assert (read["STRIPE_SECRET_KEY"], read["STRIPE_LIVEMODE"], read["DEMO"]) == (LIVE, True, False)


def test_a_demo_without_a_key_has_a_till_with_secrets_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = settings_with(tmp_path, monkeypatch)
    again = settings_with(tmp_path, monkeypatch)
    other = settings_with(tmp_path / "other", monkeypatch)
    assert (first["TILL"], first["STRIPE_LIVEMODE"], first["STRIPE_API_BASE"]) == (
        True,
        False,
        "http://127.0.0.1:8001",
    )
    assert first["STRIPE_PAGES"] == ["http://localhost:8001"]
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"):
        assert first[name] == again[name] != other[name]
    assert stripe_keys.check(first["STRIPE_SECRET_KEY"], first["STRIPE_WEBHOOK_SECRETS"], demo=True) is False


def test_neither_a_demo_nor_a_key_is_a_shop_without_payments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = settings_with(tmp_path, monkeypatch, DEMO="0")
    assert (read["STRIPE_SECRET_KEY"], read["TILL"], read["STRIPE_WEBHOOK_SECRETS"]) == ("", False, [])


def test_every_shop_s_till_has_a_key_that_nobody_derives_without_the_secret() -> None:
    made = [keys.of_till("secret", shop_id) for shop_id in (None, 1, 2, 12)]
    assert len({part for pair in made for part in pair}) == 8
    assert keys.of_till("another", 2) != made[2]
    assert [keys.shop_of_till(key) for key, _signer in made] == [None, 1, 2, 12]
    for key, signer in made:
        assert stripe_keys.check(key, [signer], demo=True) is False
    assert keys.shop_of_till("sk_test_till0x" + "0" * 32) is None
    assert keys.shop_of_till("sk_test_51hush") is None
