"""The pytest plugin that prepares servers, folder and environment before Django reads its settings.

TEST_DATABASE=sqlite (default) or postgresql chooses the database. TEST_DATABASE_URL (a superuser's) and
TEST_REDIS_URL name servers to use instead of private ones; `test_` is put before the database's name.
"""

import os
import re
import sys
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.servers import Servers

DATABASE = os.environ.get("TEST_DATABASE", "sqlite")
_ROOT = Path(__file__).resolve().parent.parent

# Whatever the environment says: hundreds of processes would each compile the product anew, and each run all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    if DATABASE not in ("sqlite", "postgresql"):
        raise pytest.UsageError(f"TEST_DATABASE={DATABASE}: expected sqlite or postgresql.")
    servers = Servers()
    early_config.add_cleanup(servers.stop)
    redis_url = os.environ.get("TEST_REDIS_URL") or servers.start_valkey()
    database_url = ""
    if DATABASE == "postgresql":
        database_url = os.environ.get("TEST_DATABASE_URL") or servers.start_postgresql()
    prepare_environment(servers.folder / "data", database_url, redis_url)
    return (yield)


def prepare_environment(data_dir: Path, database_url: str, redis_url: str) -> None:
    """What the product reads, for this process and its children; a developer's own settings stay outside."""
    for name in product_variables():
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ |= {
        "DATA_DIR": str(data_dir),
        "DEMO": "1",
        "SANDBOX_SECONDS": "0",
        "OTHER_HOSTS": "testserver,localhost,127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TEST_REDIS_URL": redis_url,
    }
    if database_url:
        os.environ["DATABASE_URL"] = _test_database(database_url)
        os.environ["REDIS_URL"] = redis_url


def product_variables() -> set[str]:
    """The names of all variables that the settings read."""
    return set(re.findall(r"""env\.\w+\(\s*"([A-Z][A-Z0-9_]*)\"""", settings_source()))


def settings_source() -> str:
    """Of all files that read the product's variables."""
    files = ("settings.py", "gpu_settings.py")
    return "\n".join((_ROOT / "config" / name).read_text(encoding="utf-8") for name in files)


def _test_database(url: str) -> str:
    # The run drops and makes this database, so it never bears the name that was given.
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/test_{parts.path.removeprefix('/')}"))


def pytest_report_header() -> str:
    return f"database: {DATABASE}"
