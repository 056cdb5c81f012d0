"""Opens a demo with a past, and writes every page of it into a folder: desktop and phone, light and dark, in each
language.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, ViewportSize, sync_playwright

from config.settings import LANGUAGES
from tests.browser.conftest import CHROMIUM_ARGUMENTS, PHONE, WIDE
from tests.faults.shop import Shop, environment, running
from tests.processes import ROOT, free_port, listens
from tests.screenshots import pictures, sheets, still
from tests.screenshots.filling import BILLING, NEWCOMER, OWNER
from tests.waiting import wait_until

FOLDER = ROOT / "build" / "screenshots"
DEVICES: dict[str, ViewportSize] = {"desktop": WIDE, "phone": PHONE}
STRANGERS = ("/docs/", "/sign-", "/account/forgotten/", "/mails/")  # alike for everybody
ERRORS = ("/nothing/", "/sign-up/", "/invitations/nothing/")  # the page of one is looked at as well
DESK = [
    "/admin/",
    "/admin/accounts/organization/",
    "/admin/accounts/shop/",
    "/admin/accounts/shop/1/change/",
    "/admin/accounts/shop/add/",
    "/admin/generations/upstream/",
    "/admin/shown/",
    "/admin/staff/",
    "/admin/stripe/",
]


def main() -> int:
    options = _options()
    with (
        tempfile.TemporaryDirectory() as temporary,
        _shop(Path(temporary)) as (shop, filled),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
        )
        studio = Studio(browser, shop, filled, options)
        for language in options.languages:
            studio.take_all(language)
        browser.close()
    if options.pictures:
        for picture in pictures.write(options.folder):
            sys.stdout.write(f"{picture.relative_to(ROOT)}\n")
    sys.stdout.write(f"{studio.count} screenshots and their sheets are in {options.folder}\n")
    return 0


def _options() -> argparse.Namespace:
    known = [code for code, _name in LANGUAGES]
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--languages", nargs="+", default=known, choices=known, metavar="CODE")
    parser.add_argument("--devices", nargs="+", default=list(DEVICES), choices=list(DEVICES))
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    parser.add_argument(
        "--only",
        default="",
        help="a regular expression that paths have to match, or who looks and the path, as in '^resting /home'",
    )
    parser.add_argument(
        "--pictures", action="store_true", help="renew those of the README from what was taken"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser.parse_args()


@contextmanager
def _shop(folder: Path) -> Iterator[tuple[Shop, dict[str, Any]]]:
    """An open demo, and what was put into it."""
    port, till_port = free_port(), free_port()
    changes = {"SANDBOX_SECONDS": "0", "TILL": "1", "TILL_PORT": str(till_port), "MAX_OPEN_TASKS": "1000"}
    with running(folder, folder / "data", port=port, changes=changes) as shop:
        wait_until(lambda: listens(till_port), "the till to open", timeout_s=120)
        done = subprocess.run(
            [sys.executable, "-m", "tests.screenshots.filling"],
            cwd=ROOT,
            env=environment(folder / "data", port, **changes),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=600,
        )
        yield shop, json.loads(done.stdout.splitlines()[-1])


class Studio:
    """Who goes round with a camera. `states` hold who is signed in: tries to sign in are limited."""

    def __init__(
        self, browser: Browser, shop: Shop, filled: dict[str, Any], options: argparse.Namespace
    ) -> None:
        self.browser, self.filled, self.options = browser, filled, options
        self.address = f"http://localhost:{shop.port}"
        self.elsewhere = {which: f"http://{still.host_of(which)}:{shop.port}" for which in filled["still"]}
        self.count = 0
        owner = re.search(r"^\s*password\s+(\S+)$", shop.out, re.MULTILINE)
        assert owner is not None, shop.out
        self.states = {
            "member": self._sign_in(OWNER, owner[1]),
            "newcomer": self._sign_in(NEWCOMER, filled["password"]),
            "billing": self._sign_in(BILLING, filled["password"]),
            "public": None,
        }
        for which, address in self.elsewhere.items():
            self.states[which] = self._sign_in(still.email_of(which), filled["password"], address)
            self.states[f"{which}-public"] = None

    def take_all(self, language: str) -> None:
        visits = self._visits()
        for device in self.options.devices:
            folders = {
                scheme: self.options.folder / language / f"{device}-{scheme}"
                for scheme in self.options.schemes
            }
            for folder in folders.values():
                make_room(folder, only=self.options.only)
            for who, paths in visits.items():
                context = self._context(device, language, self.states[who])
                page = context.new_page()
                for path in paths:
                    self._take(page, who, path, folders)
                context.close()
            context = self._context(device, language, None)
            self._take_errors(context.new_page(), language, folders)
            self._take_till(context.new_page(), language, folders)
            context.close()
            for folder in folders.values():
                sheets.write(folder, sorted(folder.glob("*.png")))

    def _visits(self) -> dict[str, list[str]]:
        plain = self.filled["paths"]
        found = {
            "public": [*plain, "/nothing/"],
            "member": [
                *(path for path in plain if not path.startswith(STRANGERS)),
                *self.filled["member"],
                *DESK,
            ],
            "newcomer": self.filled["newcomer"],
            "billing": ["/home/", "/playground/", "/credits/", "/keys/", "/settings/"],
        }
        for which, paths in self.filled["still"].items():
            found |= {f"{which}-public": still.FOR_VISITORS, which: paths}
        return {
            who: [path for path in paths if self._is_wanted(path) or self._is_wanted(f"{who} {path}")]
            for who, paths in found.items()
        }

    def _take(self, page: Page, who: str, path: str, folders: dict[str, Path]) -> None:
        address = self.elsewhere.get(who.removesuffix("-public"), self.address)
        try:
            answer = page.goto(address + path, wait_until="load")
        except Error:  # a file
            return
        wanted = path.partition("?")[0]
        is_page = (
            answer is not None
            and (answer.status < 400 or path in ERRORS)
            and answer.headers.get("content-type", "").startswith("text/html")
        )
        if not is_page or page.url.partition("?")[0] != address + wanted:
            return  # answers forms alone, or leads elsewhere
        self._go_to_translation(page)
        self._shoot(page, name_of(who, path, self.filled["member"]), folders, again=path in DESK)

    def _take_errors(self, page: Page, language: str, folders: dict[str, Path]) -> None:
        for name, html in self.filled["errors"][language].items():
            if self._is_wanted(f"/errors/{name}/"):
                address = f"{self.address}/errors/{name}/"
                page.route(address, partial(_answer, html))
                page.goto(address)
                self._shoot(page, f"error-{name}", folders)

    def _take_till(self, page: Page, language: str, folders: dict[str, Path]) -> None:
        for name, address in self.filled["till"][language].items():
            if self._is_wanted(f"/till/{name}/"):
                page.goto(address)
                self._shoot(page, f"till-{name}", folders)
        if self._is_wanted("/till/declined/"):
            page.goto(self.filled["till"][language]["pay"])
            page.locator("button[value=decline]").click()
            page.locator("#problem").wait_for()
            self._shoot(page, "till-declined", folders)

    def _is_wanted(self, path: str) -> bool:
        return re.search(self.options.only, path) is not None

    def _shoot(self, page: Page, name: str, folders: dict[str, Path], *, again: bool = False) -> None:
        """In each scheme. `again`: its script looks once which colours are wished for."""
        for scheme, folder in folders.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # of its own list
            file = folder / f"{name}.png"
            if again:
                page.reload()
            _settle(page)
            page.screenshot(path=file, full_page=True)
            self.count += 1

    def _go_to_translation(self, page: Page) -> None:
        """Pages for anybody have an address in each language, and their bare one is English."""
        language = page.evaluate("navigator.language")
        other = page.locator(f'link[rel="alternate"][hreflang="{language}" i]')
        if other.count() and page.locator("html").get_attribute("lang") != language:
            page.goto(str(other.first.get_attribute("href")), wait_until="load")

    def _context(self, device: str, language: str, state: Any) -> BrowserContext:
        return self.browser.new_context(viewport=DEVICES[device], locale=language, storage_state=state)

    def _sign_in(self, email: str, password: str, address: str = "") -> Any:
        address = address or self.address
        context = self._context("desktop", "en", None)
        page = context.new_page()
        page.goto(f"{address}/sign-in/")
        page.locator("#email").fill(email)
        page.locator("#password").fill(password)
        page.locator("#password").press("Enter")
        page.wait_for_url(f"{address}/home/")
        state = context.storage_state()
        context.close()
        return state


def _answer(html: str, route: Route) -> None:
    route.fulfill(body=html, content_type="text/html; charset=utf-8")


def make_room(folder: Path, *, only: str) -> None:
    """For all pages anew; of some, the others stay as they were taken last."""
    if not only:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def name_of(who: str, path: str, by_id: Sequence[str]) -> str:
    """Of a file; without ids, which are others each time."""
    words = re.sub(r"\b(task|key|we|msg|cs_test)_\w+|[0-9a-f]{8}-[-0-9a-f]{27}", "x", path)
    words = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    number = f"-{by_id.index(path)}" if path in by_id else ""
    return f"{who}-{words or 'landing'}{number}"


def _settle(page: Page) -> None:
    """Images that come when they are scrolled to come now."""
    page.evaluate(
        """async () => {
            const images = [...document.images];
            for (const image of images) image.loading = "eager";
            await Promise.all(images.map((image) => image.decode().catch(() => {})));
        }"""
    )


if __name__ == "__main__":
    sys.exit(main())
