"""Pages as a browser meets them for the first time: what it transfers and asks for, when it paints and answers."""

import http.client
import json
import re
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.figures import Section, at_most
from benchmarks.plan import Plan
from benchmarks.stage import Ground, order
from tests.browser.conftest import CHROMIUM_ARGUMENTS, OWNER, WIDE
from tests.faults.shop import Shop
from tests.waiting import wait_until

PUBLIC = ("/", "/sign-in/", "/sign-up/", "/docs/", "/docs/reference/")
MEMBERS = (
    "/home/",
    "/playground/",
    "/gallery/",
    "/usage/",
    "/credits/",
    "/keys/",
    "/webhooks/",
    "/team/",
    "/audit/",
    "/settings/",
    "/account/",
)
IMAGES = 12
LIMIT_KB = 100.0
MOST_SHIFT = 0.01  # what a reader does not see; 0.1 is what search engines call good
WORDS = """The embedded shop on loopback, in Chromium with an empty cache. Kilobytes (10^3) as they are transferred,
headers included, without images; requests of all kinds. `first paint` is when something of the content is first seen,
`largest paint` when the largest of it is, from the beginning of the navigation; `blocked` is how long the page could
not answer after the first paint, over 50 ms a piece (total blocking time); medians. `shift` is how far things moved by
themselves (cumulative layout shift), the worst visit. The gallery has twelve images."""
# From the first moment of a page: what the browser says only to those who listen.
LISTEN = """
window.heard = {shift: 0, largest_paint: 0, tasks: []};
const hear = (type, take) => new PerformanceObserver(list => list.getEntries().forEach(take))
    .observe({type, buffered: true});
hear("layout-shift", one => { if (!one.hadRecentInput) heard.shift += one.value; });
hear("largest-contentful-paint", one => { heard.largest_paint = one.startTime; });
hear("longtask", one => heard.tasks.push([one.startTime, one.duration]));
"""
FREE_MS = 50  # of a task, in which nobody notices that the page does not answer


@dataclass(slots=True)
class Visit:
    """Of one page, once. Bytes are those of the wire."""

    byte_count: int = 0
    image_bytes: int = 0
    requests: int = 0
    elsewhere: int = 0
    first_paint_ms: float = 0
    largest_paint_ms: float = 0
    blocked_ms: float = 0
    shift: float = 0


def section(ground: Ground, plan: Plan) -> Section:
    with ground.embedded() as shop, _browser() as browser:
        address = f"http://localhost:{shop.port}"
        _fill(shop)
        state = _sign_in(browser, address, shop.out)
        rows, most_kb, most_shift, elsewhere = [], 0.0, 0.0, 0
        for paths, signed_in in ((PUBLIC, None), (MEMBERS, state)):
            for path in paths:
                visits = [visit(browser, address + path, signed_in) for _ in range(plan.rounds)]
                one = visits[0]
                most_kb = max(most_kb, one.byte_count / 1000)
                elsewhere += one.elsewhere
                shift = max(each.shift for each in visits)
                most_shift = max(most_shift, shift)
                times = [
                    statistics.median(getattr(each, name) for each in visits)
                    for name in ("first_paint_ms", "largest_paint_ms", "blocked_ms")
                ]
                sizes = [f"{one.byte_count / 1000:.1f}", f"{one.image_bytes / 1000:.1f}"]
                rows.append(
                    [path, *sizes, str(one.requests), *(f"{time:.0f}" for time in times), f"{shift:.3f}"]
                )
    goals = [
        at_most("the largest page, without images", most_kb, LIMIT_KB, " KB"),
        at_most("requests of pages that go elsewhere", elsewhere, 0),
        at_most("the largest shift of a page while it loads", most_shift, MOST_SHIFT, digits=3),
    ]
    columns = ["page", "KB", "KB of images", "requests"]
    columns += ["first paint ms", "largest paint ms", "blocked ms", "shift"]
    return Section("Pages", WORDS, columns, rows, goals)


def visit(browser: Browser, url: str, state: Any = None) -> Visit:
    """With an empty cache. Raises LookupError for a page that leads elsewhere or is none."""
    context = browser.new_context(viewport=WIDE, storage_state=state, reduced_motion="reduce")
    try:
        page = context.new_page()
        page.add_init_script(LISTEN)
        found = _watch(page, urlsplit(url).netloc)
        answer = page.goto(url, wait_until="networkidle")
        if answer is None or answer.status != 200 or page.url != url:
            raise LookupError(f"{url} is not a page: {answer and answer.status}, {page.url}")
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        found.first_paint_ms = float(wait_until(lambda: page.evaluate(paint), "the first paint"))
        heard = page.evaluate("heard")
        found.shift, found.largest_paint_ms = heard["shift"], heard["largest_paint"]
        found.blocked_ms = _blocked(heard["tasks"], found.first_paint_ms)
        return found
    finally:
        context.close()


def _blocked(tasks: list[tuple[float, float]], since_ms: float) -> float:
    """`tasks`: when each began, and how long it took; milliseconds."""
    return sum(max(0.0, duration - FREE_MS) for began, duration in tasks if began + duration > since_ms)


def _watch(page: Page, host: str) -> Visit:
    """What is counted while the page loads, by what the browser itself says of its network."""
    found, kinds = Visit(), dict[str, str]()
    session = page.context.new_cdp_session(page)

    def asked(event: dict[str, Any]) -> None:
        address = urlsplit(event["request"]["url"])
        if address.scheme == "data":
            return
        kinds[event["requestId"]] = event.get("type", "")
        found.requests += 1
        found.elsewhere += address.netloc != host

    def finished(event: dict[str, Any]) -> None:
        kind, size = kinds.get(event["requestId"], ""), int(event["encodedDataLength"])
        if kind == "Image":
            found.image_bytes += size
        else:
            found.byte_count += size

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    return found


@contextmanager
def _browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        raise LookupError("Pages are measured in Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


def _fill(shop: Shop) -> None:
    key = _in_banner(shop.out, r"live key +(tt_live_\w+)")
    tasks = [
        _ask(shop.port, "POST", "/api/generate", key, order("512*512"))["task_id"] for _ in range(IMAGES)
    ]

    def are_done() -> bool:
        states = [_ask(shop.port, "GET", f"/api/status?task_id={task}", key)["status"] for task in tasks]
        return "IN_PROGRESS" not in states

    wait_until(are_done, "the images", timeout_s=60)


def _ask(port: int, method: str, path: str, key: str, body: object = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return json.loads(connection.getresponse().read())["data"]
    finally:
        connection.close()


def _sign_in(browser: Browser, address: str, banner: str) -> Any:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(f"{address}/sign-in/")
    page.locator("#email").fill(OWNER)
    page.locator("#password").fill(_in_banner(banner, r"password +(\S+)"))
    page.locator("#password").press("Enter")
    page.wait_for_url(f"{address}/home/")
    state = context.storage_state()
    context.close()
    return state


def _in_banner(banner: str, pattern: str) -> str:
    found = re.search(pattern, banner)
    if found is None:
        raise LookupError("The demo's banner shows no key or password.")
    return found[1]
