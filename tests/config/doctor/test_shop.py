"""What the doctor says of the shop itself: its settings, its work, its files, its accounts elsewhere."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.storage import storages
from pytest_django import Settings

from accounts.mail import outbox
from accounts.models import QueuedMail
from accounts.shops import first_shop
from billing import stripe_gateway
from config.doctor import files, people, public_address, settings_check, stripe_account, upstreams, workers
from generations import circuit
from generations.models import UpstreamState
from generations.providers.base import OutcomeKind
from tests.billing.stripe.shops import with_its_till_as_stripe, with_key
from tests.config.doctor.found import levels, trouble
from tests.generations.wholesale.sellers import connected
from tests.makers import a_generation, age, ago, an_access, an_organization, an_upstream
from tests.operators import operator
from tests.processes import free_port
from tests.several import a_shop
from tests.till import RunningTill, running_till


def test_settings_that_are_not_for_customers_are_told(settings: Settings) -> None:
    assert levels(settings_check.look) == ["ok"]
    settings.DEMO = False
    settings.OPERATOR_EMAILS = []
    assert "OPERATOR_EMAILS" in [f for f in settings_check.look() if f.level == "warning"][-1].cure
    settings.DEBUG = True
    assert "error" in levels(settings_check.look)


@pytest.mark.parametrize(
    ("url", "demo", "proxies", "expected"),
    [
        ("http://localhost:8000", True, [], ["ok"]),
        ("http://localhost:8000", False, [], ["warning"]),
        ("https://shop.example", False, ["10.0.0.0/8"], ["ok"]),
        ("https://shop.example", False, [], ["warning"]),
        ("http://shop.example", False, ["10.0.0.0/8"], ["error"]),
        ("https://shop.example", True, ["10.0.0.0/8"], ["error", "ok"]),
    ],
)
def test_customers_come_by_https_through_a_proxy_and_to_no_demo(
    settings: Settings, url: str, demo: bool, proxies: list[str], expected: list[str]
) -> None:
    settings.PUBLIC_URL, settings.DEMO, settings.TRUSTED_PROXIES = url, demo, proxies
    assert levels(public_address.look) == expected


@pytest.mark.django_db
def test_orders_and_mails_that_nobody_takes_up_are_told(settings: Settings, tmp_path: Path) -> None:
    settings.READY_FILE = str(tmp_path / "ready")
    assert "READY_FILE" in trouble(workers.look).what
    (tmp_path / "ready").touch()
    assert set(levels(workers.look)) == {"ok"}
    waiting = a_generation(an_access(an_organization(100)))
    age(waiting, created_at=workers.WAITS_LONG_S + 5)
    assert trouble(workers.look).level == "warning"
    age(waiting, created_at=settings.DEADLINE_S)
    assert trouble(workers.look).level == "error"
    age(waiting, created_at=0)
    outbox.queue_template(first_shop(), "alice@studio.example", "account_news", {"news": "Something"})
    assert set(levels(workers.look)) == {"ok"}
    QueuedMail.objects.update(due_at=ago(workers.MAIL_WAITS_LONG_S + 60))
    assert "beat" in trouble(workers.look).cure


def test_a_storage_that_keeps_nothing_is_an_error(settings: Settings, tmp_path: Path) -> None:
    assert levels(files.look_at_storage) == ["ok", "ok"]
    assert not list(Path(settings.DATA_DIR, "images").glob("doctor*")), "The probe is gone"
    (tmp_path / "file").touch()
    changed = settings.STORAGES["images"] | {"OPTIONS": {"location": tmp_path / "file"}}
    settings.STORAGES = settings.STORAGES | {"images": changed}
    assert storages["images"].location == str(tmp_path / "file")  # type: ignore[attr-defined]
    assert "does not keep files" in trouble(files.look_at_storage).what


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, level in (("LITTLE_BYTES", "warning"), ("HARDLY_ANY_BYTES", "error")):
        monkeypatch.setattr(files, limit, 1 << 60)
        assert trouble(files.look_at_storage).level == level


def test_secrets_that_others_may_read_are_an_error(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.DATABASE_URL = tmp_path, ""
    tmp_path.chmod(0o700)
    (tmp_path / "secrets").mkdir(mode=0o700)
    secret = tmp_path / "secrets" / "secret_key"
    secret.touch(mode=0o600)
    assert levels(files.look_at_secrets) == ["ok"]
    secret.chmod(0o640)
    assert str(secret) in trouble(files.look_at_secrets).what
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    assert trouble(files.look_at_secrets).level == "warning"


@pytest.fixture
def stripe(one_till: RunningTill, settings: Settings) -> Callable[[RunningTill], None]:
    """Makes a till what the settings call Stripe."""

    def use(till: RunningTill) -> None:
        settings.TILL, settings.STRIPE_LIVEMODE, settings.DEMO = False, False, True
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = till.secret_key, till.base_url
        settings.STRIPE_WEBHOOK_SECRETS = [till.webhook_secret]

    one_till.behave(reset=True)
    use(one_till)
    return use


@pytest.mark.django_db
def test_a_key_of_stripe_is_tried_and_its_endpoint_looked_for(
    stripe: Callable[[RunningTill], None], one_till: RunningTill, settings: Settings
) -> None:
    assert "no endpoint there is switched on" in trouble(stripe_account.look).what
    one_till.behave(forbidden="webhook_endpoints")
    assert levels(stripe_account.look) == ["ok", "ok"], "Nothing else needs that right"
    one_till.behave(forbidden="events")
    assert "refuses to list its events" in trouble(stripe_account.look).what
    one_till.behave(reset=True)
    settings.DEMO = False
    assert "test key" in next(f for f in stripe_account.look() if f.level == "warning").what
    settings.STRIPE_SECRET_KEY = "sk_test_another"
    assert "refuses our key" in next(f for f in stripe_account.look() if f.level == "error").what
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    assert "does not answer" in next(f for f in stripe_account.look() if f.level == "error").what


@pytest.mark.django_db
def test_an_endpoint_that_tells_all_is_fine(
    stripe: Callable[[RunningTill], None], settings: Settings
) -> None:
    port = free_port()
    settings.PUBLIC_URL = f"http://127.0.0.1:{port}"
    with running_till(f"{settings.PUBLIC_URL}/webhooks/stripe") as till:
        stripe(till)
        assert levels(stripe_account.look) == ["ok", "ok"]
    endpoint = stripe_gateway.looking.Endpoint("", True, ("charge.refunded",))
    assert endpoint.lacks(("charge.refunded", "refund.created")) == ["refund.created"]


@pytest.mark.django_db
def test_each_shop_is_told_under_its_name(
    stripe: Callable[[RunningTill], None], one_till: RunningTill, settings: Settings
) -> None:
    settings.DEMO = False
    one_till.behave(forbidden="webhook_endpoints")
    plates, _prints, wrong = (a_shop(name).shop for name in ("Plates", "Prints", "Wrong"))
    with_its_till_as_stripe(one_till, plates)
    with_key(wrong)
    told = {f"{finding.level}: {finding.what}" for finding in stripe_account.look()}
    assert "warning: shops where nobody can buy: Prints." in told
    assert "ok: Plates: it takes our test key." in told
    assert "error: Plates: no endpoint there is switched on" in " ".join(told)
    assert "error: Wrong: it refuses our key." in told
    settings.SEALING_KEYS = ["another key, of which nobody knew anything"]
    assert "error: Plates: its key cannot be read." in {f"{f.level}: {f.what}" for f in stripe_account.look()}


@pytest.mark.django_db
def test_without_stripe_a_demo_has_its_till_and_others_are_told(settings: Settings) -> None:
    settings.TILL = True
    assert levels(stripe_account.look) == ["ok"]
    settings.TILL, settings.STRIPE_SECRET_KEY = False, ""
    assert trouble(stripe_account.look).level == "warning"


@pytest.mark.django_db
def test_each_enabled_upstream_is_looked_at(settings: Settings) -> None:
    assert levels(upstreams.look) == ["ok"], "A demo has its sandbox"
    settings.DEMO = False
    assert trouble(upstreams.look).level == "warning"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        upstream = an_upstream(base_url=f"http://127.0.0.1:{port}", credential="hush")
        an_upstream(enabled=False, base_url="nonsense")
        assert levels(upstreams.look) == ["ok"]
        circuit.report(upstream.pk, OutcomeKind.ACCOUNT, "no balance")
        assert "refuses our account" in trouble(upstreams.look).what
        UpstreamState.objects.update(reason=circuit.FUNDS)
        assert "Top up at" in trouble(upstreams.look).cure
        UpstreamState.objects.update(**circuit.CLOSED)
        settings.SEALING_KEYS = ["another key, of which nobody knew anything"]
        assert "CREDENTIALS_KEY" in trouble(upstreams.look).cure
    upstream.credential = "hush"
    upstream.save()
    assert "cannot be reached" in trouble(upstreams.look).what
    upstream.base_url = "https://api.example/v1/images/generations"
    upstream.save()
    assert trouble(upstreams.look).level == "error"


@pytest.mark.django_db
def test_a_shop_without_wholesale_credits_is_told_where_to_buy_some() -> None:
    upstream = connected(credits=0)
    circuit.report(upstream.pk, OutcomeKind.FUNDS, "HTTP 402: Insufficient credits")
    found = trouble(upstreams.look)
    assert upstream.wholesale is not None
    assert found.level == "error"
    assert found.cure.startswith(f"Buy credits for {upstream.wholesale.name} at ")


@pytest.mark.django_db
def test_operators_need_a_second_factor(settings: Settings) -> None:
    settings.DEMO = False
    assert "createsuperuser" in trouble(people.look).cure
    user = operator()
    assert user.email in trouble(people.look).what
    Authenticator.objects.create(user=user, type="recovery_codes", data={})
    assert user.email in trouble(people.look).what, "Recovery codes alone are none"
    Authenticator.objects.create(user=user, type="totp", data={})
    assert levels(people.look) == ["ok"]
