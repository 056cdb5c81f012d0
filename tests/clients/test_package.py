"""The package stands for itself: it can be built, names what it needs, and offers the same twice."""

import ast
import email.parser
import inspect
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import tintype
from tests.clients.conftest import PACKAGE
from tests.clients.stand_in import KEY
from tests.processes import ROOT
from tintype import AsyncTintype, Tintype, _resources

SOURCES = sorted((PACKAGE / "src").rglob("*.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """By uv, which brings the package's build backend along; nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--quiet",
        "--offline",
        "--wheel",
        "--out-dir",
        str(folder),
    ]
    subprocess.run([*command, str(PACKAGE)], check=True, timeout=60)
    [file] = folder.glob("*.whl")
    assert file.name == f"tintype-{tintype.__version__}-py3-none-any.whl"
    return zipfile.ZipFile(file)


def test_the_wheel_holds_the_package_and_its_license(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {str(source.relative_to(PACKAGE / "src")) for source in SOURCES} <= names
    assert "tintype/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("test" in Path(name).name for name in names)


def test_the_wheel_says_what_it_needs_and_which_command_it_brings(wheel: zipfile.ZipFile) -> None:
    [folder] = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    facts = email.parser.Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    assert (facts["Name"], facts["Version"], facts["License-Expression"]) == (
        "tintype", tintype.__version__, "MIT",
    )  # fmt: skip
    assert facts.get_all("Requires-Dist") == ["httpx2>=2.16,<3"]
    assert facts["Requires-Python"] == ">=3.11"
    assert "tintype = tintype.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()


def test_nothing_else_is_imported() -> None:
    """Neither the shop nor a library that is not named; the standard library is free."""
    foreign = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            foreign |= {name.partition(".")[0] for name in names}
    assert foreign - set(sys.stdlib_module_names) == {"httpx2", "tintype"}


def test_only_the_clients_open_connections() -> None:
    users = [source.name for source in SOURCES if "import httpx2" in source.read_text(encoding="utf-8")]
    assert users == ["_client.py"]


def test_the_shop_itself_does_not_use_it() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not any(name.startswith("tintype") for name in dependencies)


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [
        (Tintype, AsyncTintype),
        (_resources.Generations, _resources.AsyncGenerations),
        (_resources.Keys, _resources.AsyncKeys),
        (_resources.WebhookEndpoints, _resources.AsyncWebhookEndpoints),
        (_resources.WebhookDeliveries, _resources.AsyncWebhookDeliveries),
    ],
)
def test_both_clients_offer_the_same(blocking: type, asynchronous: type) -> None:
    def offered(kind: type) -> dict[str, str | None]:
        return {name: vars(kind)[name].__doc__ for name in vars(kind) if not name.startswith("_")}

    mine, theirs = offered(blocking), offered(asynchronous)
    mine.pop("close", None)
    theirs.pop("aclose", None)
    assert mine == theirs
    assert all(mine.values())


def test_every_error_and_result_can_be_named() -> None:
    assert sorted(tintype.__all__) == sorted(
        name
        for name, value in vars(tintype).items()
        if name == "__version__" or not name.startswith("_")
        if name in ("NO_RETRIES", "__version__", "webhooks")
        or getattr(value, "__module__", "").startswith("tintype.")
    )


def test_help_shows_what_a_method_takes_and_returns() -> None:
    with Tintype(KEY) as shop:
        assert str(inspect.signature(shop.save)) == "(image: 'Image', path: 'str | Path') -> 'Path'"
        assert str(inspect.signature(shop.models)) == "() -> 'Paged[Model]'"
    assert str(inspect.signature(AsyncTintype(KEY).models)) == "() -> 'AsyncPaged[Model]'"
