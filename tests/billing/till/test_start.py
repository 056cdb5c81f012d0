"""How the till starts, and when it does not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import stripe

from billing.till.__main__ import main
from tests import scale
from tests.processes import ROOT
from tests.till import SECRET_KEY, WEBHOOK_SECRET, RunningTill, running_till

FITTING = {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "billing.till", "--port", "0", "--data", str(folder), *arguments],
        cwd=ROOT,
        env={**os.environ, **FITTING, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What it says before it ends with 2; in this process, because it comes to neither signals nor ports."""

    def refusal(*arguments: str, **environment: str) -> str:
        for name, value in (FITTING | environment).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(["--port", "0", "--data", str(tmp_path / "data"), *arguments])
        out, err = capsys.readouterr()
        assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
        assert not (tmp_path / "data").exists()
        return str(err)

    return refusal


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_51"}, "never runs with a live key"),
        ({"STRIPE_SECRET_KEY": "rk_live_51"}, "never runs with a live key"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": "secret"}, "sk_test_"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_wrong_secrets_end_it_with_2(
    refusal: Callable[..., str], environment: dict[str, str], word: str
) -> None:
    assert word in refusal(**environment)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--webhook-url", "https://shop.example/hook"),
        ("--webhook-url", "ftp://x"),
        ("--public-url", "localhost:8001"),
    ],
)
def test_wrong_addresses_end_it_with_2(refusal: Callable[..., str], arguments: tuple[str, str]) -> None:
    assert arguments[1] in refusal(*arguments)


def test_address_of_another_machine_ends_it_with_2(tmp_path: Path) -> None:
    done = start(tmp_path, "--host", "203.0.113.1")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_taken_port_ends_it_with_2(tmp_path: Path, till: RunningTill) -> None:
    done = start(tmp_path, "--port", str(till.port))
    assert done.returncode == 2
    assert f":{till.port}" in done.stderr


def test_it_ends_at_once_when_it_is_told_to(tmp_path: Path) -> None:
    with running_till(data=tmp_path) as till:
        client = till.client()
        made = client.v1.customers.create()
        till.behave(frozen=True)
        assert till.end() == 0
        till.start()
        assert client.v1.customers.retrieve(made.id).id == made.id


def test_it_is_light(till: RunningTill, client: stripe.StripeClient) -> None:
    client.v1.events.list({"limit": 1})
    mib = psutil.Process(till.process.pid).memory_info().rss / 2**20
    scale.record("memory of the till", round(mib), "MiB", limit=80)
    assert mib < 200
