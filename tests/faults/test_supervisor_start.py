"""What `manage.py up` says: refusals in one line with the cure, a welcome once, then only the address."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from PIL import Image
from pytest_django import Settings

from accounts.shops import first_shop
from billing.models import Payment, StripeAccount
from config import preflight
from config.opened import Opening
from tests.faults.shop import Shop, refusal, running
from tests.makers import a_payment, an_organization
from tests.processes import free_port


def test_port_in_use_is_one_line_with_the_cure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert re.search(rf"PORT {port} .* make run PORT=\d+", refusal(tmp_path / "data", port))


def test_folder_that_cannot_be_written_is_one_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for secret in ("", "s" * 40):  # a given secret needs no folder, the data do
        line = refusal(tmp_path / "file" / "data", free_port(), SECRET_KEY=secret)
        assert "cannot be written" in line
        assert "DATA_DIR=/path" in line


def test_address_of_another_machine_is_one_line_with_the_cure(tmp_path: Path) -> None:
    assert "HOST=127.0.0.1" in refusal(tmp_path / "data", free_port(), HOST="192.0.2.1")


def test_database_that_is_away_is_one_line_without_the_password(tmp_path: Path) -> None:
    address = f"postgresql://tintype:hush-hush@127.0.0.1:{free_port()}/tintype"
    line = refusal(tmp_path / "data", free_port(), DATABASE_URL=address)
    assert line.startswith("DATABASE_URL: ")
    assert "Start that server" in line
    assert "hush" not in line


@pytest.mark.everyday_on("sqlite")
@pytest.mark.usefixtures("committed_db")
def test_shop_that_took_money_and_lost_its_stripe_key_does_not_open_a_till() -> None:
    StripeAccount.objects.create(shop=first_shop(), livemode=True)
    connection.close()
    servers = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    line = refusal(Path(settings.DATA_DIR), free_port(), TILL="1", DEMO="1", **servers)
    assert "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET again; or TILL=0" in line


@pytest.mark.django_db
def test_till_is_refused_for_live_payments_alone(settings: Settings) -> None:
    payment = a_payment(an_organization())
    settings.TILL = True
    preflight.check_till()
    Payment.objects.filter(pk=payment.pk).update(livemode=True)
    with pytest.raises(preflight.Refusal, match="with a live key"):
        preflight.check_till()
    settings.TILL = False
    preflight.check_till()


def make_first_image(shop: Shop, folder: Path) -> None:
    """Pastes the banner's two lines into a shell."""
    lines = [line for line in shop.out.splitlines() if "curl" in line]
    assert len(lines) == 2
    subprocess.run(["sh", "-c", "\n".join(lines)], cwd=folder, check=True, timeout=90)
    with Image.open(folder / "lighthouse.jpeg") as image:
        image.load()
        assert image.size == (1280, 720)


def test_first_start_gives_an_image_in_two_lines(tmp_path: Path) -> None:
    """Later ones, which keep the data: tests/test_two_commands.py."""
    with running(tmp_path, tmp_path / "data") as shop:
        first = shop.out
        make_first_image(shop, tmp_path)
        assert shop.err == ""
    for secret in ("password   ", "tt_live_", "tt_test_"):
        assert secret in first
    assert f"http://localhost:{shop.port}" in first


if "DATABASE_URL" in os.environ:  # else it is the first start once more

    @pytest.mark.usefixtures("committed_db")
    def test_shop_opens_on_the_database_and_broker_of_this_run(tmp_path: Path) -> None:
        servers = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
        with running(tmp_path, tmp_path / "data", changes={**servers, "DEMO": "1"}) as shop:
            make_first_image(shop, tmp_path)
            assert shop.err == ""


def test_secrets_are_shown_even_if_the_shop_stops_before_it_opens(capsys: pytest.CaptureFixture[str]) -> None:
    opening = Opening("127.0.0.1", free_port(), "owner, a-password\n", told_once=True)
    opening.never_lose_secrets()
    opening.never_lose_secrets()
    assert capsys.readouterr().out.count("a-password") == 1
