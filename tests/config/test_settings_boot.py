"""Boot with an invalid setting: refused at once, naming the variable."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.services import product_variables

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in product_variables()}
    return kept | {"DATA_DIR": str(data_dir)} | variables


def boot(data_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in an environment of its own."""
    return check(environment(data_dir, **variables))


def check(variables: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", *options],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_defaults_boot(tmp_path: Path) -> None:
    done = boot(tmp_path)
    assert done.returncode == 0, done.stderr


def test_production_passes_the_checks_of_a_deployment(tmp_path: Path) -> None:
    variables = environment(
        tmp_path,
        PUBLIC_URL="https://shop.example",
        DATABASE_URL="postgresql://shop:secret@db.example:5432/shop",
        REDIS_URL="redis://cache.example:6379/0",
        TRUSTED_PROXIES="10.0.0.0/8",
        EMAIL_URL="smtp+tls://shop:secret@mail.example:587",
    )
    done = check(variables, "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_invalid_setting_stops_the_boot(tmp_path: Path) -> None:
    done = boot(tmp_path, PORT="0")
    assert (done.returncode, done.stdout) == (1, "")
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.removeprefix("django.core.exceptions.ImproperlyConfigured: ").startswith("PORT")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("DEBUG", "perhaps"),
        ("DEMO", "2"),
        ("AUTOMATIC_PER_DAY", "0"),
        ("PUBLIC_URL", "shop.example"),
        ("PUBLIC_URL", "ftp://shop.example"),
        ("PUBLIC_URL", "https://shop.example/?a=1"),
        ("PUBLIC_URL", "https://shop.example:99999"),
        ("PUBLIC_URL", "http://[shop"),
        ("PUBLIC_URL", "https://sh op.example"),
        ("PUBLIC_URL", "https://user:secret@shop.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("HSTS_PRELOAD", "1"),
        ("DATABASE_URL", "mysql://localhost/shop"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "postgresql://shop:secret@host:port/shop"),
        ("REDIS_URL", "redis://:secret@host:port/0"),
        ("REDIS_URL", "http://localhost"),
        ("SECRET_KEY", "short"),
        ("CREDENTIALS_KEY", "short"),
        ("CREDENTIALS_KEY", f"{'k' * 40},short"),
        ("OPERATOR_EMAILS", "operator@shop.example, nobody"),
        ("EMAIL_URL", "http://mail.example"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("RATE_LIMIT_BURST", "-1"),
        ("RATE_LIMIT_READ_PER_MINUTE", "1.5"),
        ("RATE_LIMIT_READ_BURST", "many"),
        ("RATE_LIMIT_ORGANIZATION_PER_MINUTE", "0"),
        ("RATE_LIMIT_ORGANIZATION_BURST", "-1"),
        ("RATE_LIMIT_ORGANIZATION_READ_PER_MINUTE", "1.5"),
        ("RATE_LIMIT_ORGANIZATION_READ_BURST", "many"),
        ("MAX_OPEN_TASKS", "0"),
        ("WEB_PROCESSES", "2"),  # without REDIS_URL
        ("WORKER_PROCESSES", "0"),
        ("WORKER_GRACE_S", "-1"),
        ("SANDBOX_SECONDS", "nan"),
        ("IMAGE_LINK_SECONDS", "0"),
        ("RETENTION_DAYS", "0"),
        ("PROMPT_RETENTION_DAYS", "0"),
        ("AUDIT_ORIGIN_DAYS", "0"),
        ("CALL_TOTAL_S", "60"),
        ("LEASE_S", "0"),
        ("BODY_TIMEOUT_S", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("OUTBOUND_LOOPBACK", "2"),
        ("UPSTREAM_ORIGINS", "gpu.internal:30000"),
        ("UPSTREAM_ORIGINS", "http://gpu.internal:30000,https://"),
        ("UPSTREAM_ORIGINS", "ftp://gpu.internal"),
        ("UPSTREAM_ORIGINS", "http://gpu.internal/v1"),
        ("UPSTREAM_ORIGINS", "http://me@gpu.internal"),
        ("UPSTREAM_ORIGINS", "http://*.internal"),
        ("S3_BUCKET", "s3://images"),
        ("S3_BUCKET", "Images"),
        ("S3_ENDPOINT_URL", "s3.example"),
        ("S3_ACCESS_KEY_ID", "key-without-its-secret"),
        ("SIGN_UP", "perhaps"),
        ("SIGN_UP_DOMAINS", "studio example"),
        ("BLOCKED_EMAIL_DOMAINS", "https://blocked.example"),
        ("THROWAWAY_DOMAINS_FILE", "/nowhere/domains"),
        ("GOOGLE_CLIENT_ID", "id-without-its-secret"),
        ("GITHUB_CLIENT_ID", "id-without-its-secret"),
    ],
)
def test_invalid_setting_is_refused_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environment(tmp_path, **{name: value}))
        with pytest.raises(ImproperlyConfigured) as refused:
            runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert str(refused.value).startswith(name)


def test_organizations_have_what_ten_keys_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        raised = environment(tmp_path, RATE_LIMIT_PER_MINUTE="1000", RATE_LIMIT_READ_BURST="7")
        patch.setattr(os, "environ", raised | {"RATE_LIMIT_ORGANIZATION_BURST": "50"})
        read = runpy.run_path(str(ROOT / "config" / "settings.py"))
    limits = {name: value for name, value in read.items() if name.startswith("RATE_LIMIT_ORGANIZATION")}
    assert limits == {
        "RATE_LIMIT_ORGANIZATION_PER_MINUTE": 10_000,
        "RATE_LIMIT_ORGANIZATION_BURST": 50,
        "RATE_LIMIT_ORGANIZATION_READ_PER_MINUTE": 6000,
        "RATE_LIMIT_ORGANIZATION_READ_BURST": 70,
    }


def settings_with(data_dir: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environment(data_dir, **variables))
        return runpy.run_path(str(ROOT / "config" / "settings.py"))


def test_bucket_takes_the_place_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    read = settings_with(
        tmp_path,
        monkeypatch,
        S3_BUCKET="images",
        S3_ENDPOINT_URL="https://s3.example",
        S3_ACCESS_KEY_ID="key",
        S3_SECRET_ACCESS_KEY_FILE=str(secret),
        S3_PREFIX="/shop/one/",
    )
    assert read["STORAGES"]["images"] == {
        "BACKEND": "generations.s3.S3ImageStorage",
        "OPTIONS": {
            "bucket_name": "images",
            "endpoint_url": "https://s3.example",
            "region_name": "us-east-1",
            "access_key": "key",
            "secret_key": "hush",
            "location": "shop/one",
        },
    }


def test_bucket_of_a_machine_with_a_role_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = settings_with(tmp_path, monkeypatch, S3_BUCKET="images", S3_REGION="eu-central-1")
    options = read["STORAGES"]["images"]["OPTIONS"]
    assert (options["endpoint_url"], options["region_name"]) == (None, "eu-central-1")
    assert (options["access_key"], options["secret_key"], options["location"]) == (None, None, "")


@pytest.mark.parametrize("missing", ["boto3", "storages"])
def test_bucket_without_what_it_needs_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ImproperlyConfigured, match=r"^S3_BUCKET: .*requirements/s3\.txt"):
        settings_with(tmp_path, monkeypatch, S3_BUCKET="images")
    assert settings_with(tmp_path, monkeypatch)["STORAGES"]["images"]["BACKEND"].endswith("FileSystemStorage")


def test_data_dir_that_cannot_be_written_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = boot(tmp_path / "file")
    assert done.returncode == 1
    assert "DATA_DIR: " in done.stderr.strip().splitlines()[-1]
