"""The house rules, executed; each is also shown to catch what it forbids."""

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from tests import house


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _small_house(folder: Path, path: str = "accounts/fine.py", text: str = "") -> Path:
    """The apps with next to nothing in them, and one file of the caller's choice, under the real contract."""
    shutil.copy(house.ROOT / "pyproject.toml", folder)
    for app in ("accounts", "billing", "config", "generations", "webhooks"):
        (folder / app).mkdir()
        (folder / app / "__init__.py").touch()
    for name in ("ledger", "errors", "audit", "reads", "models"):
        (folder / "billing" / f"{name}.py").touch()
    (folder / "generations" / "api").mkdir()
    (folder / "generations" / "api" / "__init__.py").touch()
    (folder / path).write_text(text)
    return folder


def test_apps_import_only_what_lies_below_them() -> None:
    done = _lint_imports(house.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("generations/lifecycle.py", "from billing import audit, errors, ledger, reads"),
        ("generations/api/compat.py", "from billing.errors import InsufficientCredits"),
        ("config/api.py", "import accounts, billing.models, generations"),
    ],
)
def test_contract_allows_the_doors_between_apps(tmp_path: Path, path: str, text: str) -> None:
    done = _lint_imports(_small_house(tmp_path, path, text))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("accounts/bad.py", "import billing.ledger"),
        ("accounts/bad.py", "from config import env"),
        ("billing/bad.py", "def late() -> None:\n    import generations"),
        ("generations/bad.py", "import config"),
        ("generations/bad.py", "from billing.models import Wallet"),
        ("generations/api/bad.py", "from billing import models"),
    ],
)
def test_contract_refuses_imports_upwards_and_past_a_door(tmp_path: Path, path: str, text: str) -> None:
    done = _lint_imports(_small_house(tmp_path, path, text))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_contract_covers_every_app() -> None:
    contract = tomllib.loads((house.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    apps = {file.parent.name for file in house.ROOT.glob("*/apps.py")}
    assert apps <= set(contract["root_packages"])


RULES_AND_VIOLATIONS = [
    (house.imports_stay_in_their_rooms, "billing/payments.py", "import stripe"),
    (house.imports_stay_in_their_rooms, "billing/payments.py", "from stripe.params import checkout"),
    (house.imports_stay_in_their_rooms, "config/health.py", "from urllib import request"),
    (house.imports_stay_in_their_rooms, "accounts/views.py", "import urllib.request as web"),
    (house.imports_stay_in_their_rooms, "generations/tasks.py", "def f():\n    import httpx2"),
    (house.imports_stay_in_their_rooms, "billing/till/pages.py", "import http.client"),
    (house.imports_stay_in_their_rooms, "generations/routing.py", "importlib.import_module('torch.cuda')"),
    (house.no_signals_between_apps, "billing/apps.py", "from django.db.models.signals import post_save"),
    (house.no_signals_between_apps, "accounts/hooks.py", "import django.dispatch.Signal"),
    (
        house.only_the_ledger_writes_money,
        "billing/manual.py",
        "Wallet.objects.filter(pk=1).update(available=5)",
    ),
    (house.only_the_ledger_writes_money, "billing/tasks.py", "LedgerEntry(kind='grant').save()"),
    (house.only_the_ledger_writes_money, "generations/lifecycle.py", "organization.wallet.save()"),
    (house.only_the_ledger_writes_money, "config/pages.py", "wallet.entries.create(kind='grant')"),
    (house.only_the_ledger_writes_money, "billing/views.py", "models.LedgerEntry.objects.bulk_create(rows)"),
    (house.only_the_ledger_writes_money, "billing/x.py", "run('UPDATE billing_wallet SET available = 1')"),
]


@pytest.mark.parametrize(("rule", "path", "text"), RULES_AND_VIOLATIONS)
def test_rule_catches_a_violation(rule: house.Rule, path: str, text: str) -> None:
    assert list(rule(PurePosixPath(path), ast.parse(text)))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (house.imports_stay_in_their_rooms, "billing/stripe_gateway/line.py", "import stripe"),
        (house.imports_stay_in_their_rooms, "generations/providers/openai.py", "import httpx2"),
        (house.imports_stay_in_their_rooms, "config/settings.py", "from urllib.parse import urlsplit"),
        (
            house.no_signals_between_apps,
            "billing/apps.py",
            "from django.db.models import signals",
        ),
        (house.only_the_ledger_writes_money, "billing/ledger.py", "Wallet.objects.update(available=1)"),
        (house.only_the_ledger_writes_money, "billing/reads.py", "Wallet.objects.filter(pk=1).first()"),
        (
            house.only_the_ledger_writes_money,
            "billing/triggers.py",
            "x = 'BEFORE UPDATE ON billing_ledgerentry'",
        ),
    ],
)
def test_rule_lets_pass_what_is_allowed(rule: house.Rule, path: str, text: str) -> None:
    assert not list(rule(PurePosixPath(path), ast.parse(text)))


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES_AND_VIOLATIONS))
def test_product_keeps_the_rule(rule: house.Rule) -> None:
    assert house.violations(rule) == []


def test_rules_read_the_product() -> None:
    files = {str(file.relative_to(house.ROOT)) for file in house.product_files()}
    assert {"config/settings.py", "accounts/keys.py", "billing/ledger.py"} <= files


def test_no_file_is_long() -> None:
    assert house.long_files() == []


def test_a_long_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "long.py").write_text("\n" * (house.MAX_LINES + 1))
    assert house.long_files(tmp_path) == ["tests/long.py: 501 lines"]


def test_no_files_import_each_other_in_a_circle() -> None:
    assert house.circle() == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "one.py").write_text("from typing import TYPE_CHECKING\nfrom config.two import name")
    (folder / "two.py").write_text("if TYPE_CHECKING:\n    import config.one")
    assert house.circle(tmp_path) == []
    (folder / "two.py").write_text("def late():\n    import config.one")
    assert set(house.circle(tmp_path)) == {"config.one", "config.two"}


def test_locks_hold_no_address() -> None:
    assert house.locks_with_addresses() == []


def test_an_address_in_a_lock_is_found(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "runtime.txt").write_text(
        "a==1\n--index-url https://packages.example/simple\n"
    )
    assert len(house.locks_with_addresses(tmp_path)) == 1


def test_links_between_pages_lead_somewhere(tmp_path: Path) -> None:
    assert house.broken_links() == []
    (tmp_path / "README.md").write_text(
        "[there](README.md#top) [outside](https://shop.example) [gone](docs/gone.md)"
    )
    assert house.broken_links(tmp_path) == ["README.md: docs/gone.md"]
