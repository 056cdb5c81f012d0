"""A real shop, as `manage.py up` opens it, and a real browser in front of it."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests import scale
from tests.faults.shop import environment, prepare
from tests.processes import ROOT, free_port, listens
from tests.waiting import wait_until

OWNER = "owner@demo.example"
WIDE, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=360, height=740)
Scheme = Literal["light", "dark"]
# Every day each scheme and each width once; in the proof all of them.
LOOKS: list[tuple[Scheme, ViewportSize]] = [("light", WIDE), ("dark", PHONE)]
LOOKS += [("light", PHONE), ("dark", WIDE)] if scale.PROOF else []
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=60_000)  # much longer than it takes, since a loaded machine may be slow


@dataclass(frozen=True, slots=True)
class Shop:
    address: str
    password: str  # of OWNER
    folder: Path  # its log, and its data


@pytest.fixture(scope="package", autouse=True)
def _something_to_copy(request: pytest.FixtureRequest) -> None:
    """The database that prepare() copies; before Playwright, in whose loop Django asks no database. Not by name: these
    tests do not touch the data of the run.
    """
    request.getfixturevalue("django_db_setup")


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    port, till_port = free_port(), free_port()
    changes = {"SANDBOX_SECONDS": "1.5", "TILL": "1", "TILL_PORT": str(till_port)}
    log = folder / "log"
    prepare(folder / "data")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environment(folder / "data", port, **changes),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, "the shop to open", timeout_s=120)
        password = wait_until(lambda: _password(log), "the banner", timeout_s=120)
        assert password is not None
        wait_until(lambda: listens(till_port), "the till to open", timeout_s=120)
        yield Shop(f"http://localhost:{port}", password, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)


def _password(log: Path) -> str | None:
    found = re.search(r"^\s*password\s+(\S+)$", log.read_text(errors="replace"), re.MULTILINE)
    return found[1] if found else None


@dataclass
class Visitor:
    """Somebody with a browser. `complaints` gathers what the browser said in its console."""

    shop: Shop
    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser notes every answer of 4xx; those that a test asks for are no complaint.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.shop.address + path)

    def sign_in(self, password: str | None = None) -> None:
        self.go("/sign-in/")
        self.page.get_by_label("E-mail").fill(OWNER)
        self.page.get_by_label("Password").fill(password or self.shop.password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def open_playground(self) -> None:
        """With one image on credits and no seed, whatever it remembers."""
        self.go("/playground/")
        self.page.get_by_role("radio", name="Credits").check()
        self.page.get_by_label("Images").select_option("1")
        self.page.get_by_label("Seed").first.fill("")

    def order(self, prompt: str, shape: str = "1:1") -> None:
        self.open_playground()
        self.page.get_by_label("Prompt").fill(prompt)
        self.page.get_by_role("radio", name=shape).check()
        self.page.get_by_role("button", name="Make image").click()

    def credits(self) -> int:
        return int(self.page.locator("#balance b").inner_text().replace(",", ""))


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_ARGUMENTS)
    yield started
    started.close()


@pytest.fixture(scope="package")
def signed_in_state(browser: Browser, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sign-in for all tests that need none of their own: tries are limited."""
    state = tmp_path_factory.mktemp("state") / "state.json"
    context = browser.new_context()
    visitor = Visitor(shop, context.new_page())
    visitor.sign_in()
    expect(visitor.page).to_have_url(f"{shop.address}/home/")
    context.storage_state(path=state)
    context.close()
    return state


@pytest.fixture
def stranger(browser: Browser, shop: Shop) -> Iterator[Visitor]:
    yield from _visit(shop, browser.new_context(viewport=WIDE))


@pytest.fixture
def owner(browser: Browser, shop: Shop, signed_in_state: Path) -> Iterator[Visitor]:
    yield from _visit(shop, browser.new_context(viewport=WIDE, storage_state=signed_in_state))


@pytest.fixture
def owner_in_whole_chromium(
    playwright: Playwright, chromium_path: str, shop: Shop, signed_in_state: Path
) -> Iterator[Visitor]:
    """Where a click may write to the clipboard without leave, as in people's browsers; the headless shell wants one."""
    path = shutil.which("chromium") or chromium_path
    started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
    try:
        yield from _visit(shop, started.new_context(viewport=WIDE, storage_state=signed_in_state))
    finally:
        started.close()


@pytest.fixture
def owner_without_scripts(browser: Browser, shop: Shop, signed_in_state: Path) -> Iterator[Visitor]:
    context = browser.new_context(storage_state=signed_in_state, java_script_enabled=False)
    yield from _visit(shop, context)


def _visit(shop: Shop, context: BrowserContext) -> Iterator[Visitor]:
    visitor = Visitor(shop, context.new_page())
    yield visitor
    context.close()
    assert visitor.complaints == []
