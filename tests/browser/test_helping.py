"""An operator helps a customer: finds the failed task, makes good for it and for an incident, looks in as a member."""

import datetime
import http.client
import json
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, WIDE, Shop, Visitor
from tests.browser.test_operators_desk import assert_accessible
from tests.faults.shop import environment
from tests.processes import ROOT
from tests.waiting import wait_until

CUSTOMER = "cora@customer.example"
REASON = "The outage of Monday"


def manage(shop: Shop, *arguments: str) -> str:
    port = int(shop.address.rpartition(":")[2])
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(shop.folder / "data", port),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ask(shop: Shop, key: str, method: str, path: str, body: Any = None) -> Any:
    link = http.client.HTTPConnection(shop.address.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    link.request(method, path, None if body is None else json.dumps(body), headers)
    answer = json.loads(link.getresponse().read())
    link.close()
    assert answer["code"] == 200, answer
    return answer["data"]


@pytest.fixture(scope="module")
def failed_task(shop: Shop) -> str:
    """Of Cora's Prints, which has 100 credits."""
    slug = manage(shop, "create_organization", "Cora's Prints", "--owner", CUSTOMER, "--credits", "100")
    key = manage(shop, "create_api_key", slug)
    order = {"prompt": "sandbox:failed a harbour", "aspect_ratio": "1:1"}
    task = ask(shop, key, "POST", "/api/generate", order)["task_id"]

    def has_failed() -> bool:
        return bool(ask(shop, key, "GET", f"/api/status?task_id={task}")["status"] == "FAILED")

    wait_until(has_failed, "the task to fail", timeout_s=60)
    return str(task)


def give_a_reason(page: Page, button: str) -> None:
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name=button).click()


def row_of(page: Page, label: str) -> str:
    """What the page of a row says beside `label`."""
    field = page.locator(".field-line").filter(
        has=page.get_by_text(re.compile(f"^{label}:?$", re.IGNORECASE))
    )
    return field.locator(".readonly").inner_text().strip()


def test_a_failed_task_is_found_credited_and_an_incident_credits_once(
    owner: Visitor, failed_task: str
) -> None:
    page = owner.page
    owner.go(f"/admin/generations/generation/?q={failed_task}")
    page.get_by_role("link", name=failed_task).first.click()
    expect(page.get_by_text("generation_failed")).to_be_visible()
    assert_accessible(page, "a task")
    page.get_by_role("link", name="Give credits for it").click()
    expect(page.get_by_text("Its price was 15 credits.")).to_be_visible()
    assert_accessible(page, "credits for a task")
    give_a_reason(page, "Give credits for it")
    expect(page.get_by_text("15 credits were given.")).to_be_visible()

    now = datetime.datetime.now(datetime.UTC)
    owner.go("/admin/generations/incident/add/")
    page.get_by_label("Name").fill(REASON)
    for name, moment in (("since", now - datetime.timedelta(days=1)), ("until", now)):
        page.locator(f"#id_{name}_0").fill(f"{moment:%Y-%m-%d}")
        page.locator(f"#id_{name}_1").fill(f"{moment:%H:%M:%S}")
    page.get_by_label("Outcome").select_option("failed")
    assert_accessible(page, "a new incident")
    page.get_by_role("button", name="Save", exact=True).click()
    affected = row_of(page, "affected")
    assert "customer" in affected
    assert row_of(page, "given so far") == "0 customers, 0 tasks, 0 credits"
    assert_accessible(page, "an incident")
    for link, sure in (("Give the credits", "no task brings twice"), ("Look for missed ones", affected)):
        page.get_by_role("link", name=link).click()
        expect(page.get_by_text(sure)).to_be_visible()
        assert_accessible(page, link)
        give_a_reason(page, link)
        expect(page.get_by_text("The credits are being given.")).to_be_visible()

        def is_done() -> bool:
            page.reload()
            return row_of(page, "state") == "Credited"

        wait_until(is_done, "the credits to be given", timeout_s=60, pause_s=0.5)
        assert row_of(page, "given so far") == affected


def test_an_operator_looks_in_as_a_member_and_changes_nothing(owner: Visitor, failed_task: str) -> None:
    page = owner.page
    owner.go("/admin/accounts/organization/?q=cora")
    page.locator("#result_list").get_by_role("link", name="Cora's Prints").first.click()
    expect(page.get_by_role("link", name="Suspend it")).to_be_visible()
    assert_accessible(page, "an organization")
    organization = page.url.partition("?")[0]
    page.get_by_role("link", name="Look in as a member").click()
    page.get_by_label("Member").select_option(label=CUSTOMER)
    assert_accessible(page, "looking in")
    give_a_reason(page, "Look in as a member")
    banner = page.get_by_role("region", name="Looking in")
    for path in (
        "/home/",
        "/gallery/",
        "/credits/",
        "/docs/",
        "/credits/automatic/",
        "/account/",
        "/nothing/",
    ):
        owner.go(path)
        expect(banner).to_contain_text(f"You look in as {CUSTOMER}")
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} scrolls sideways at {size['width']} px"
        page.set_viewport_size(WIDE)
    owner.go("/credits/")
    expect(page.locator("main")).to_contain_text("1")
    expect(page.get_by_role("button", name="Buy for $5.00")).to_have_count(0)
    owner.go("/credits/automatic/")
    expect(page.get_by_text("nothing can be changed, and this page stays closed")).to_be_visible()
    # A form that a page of the operator's own still has, sent from another tab.
    answer = page.evaluate(
        """async () => {
            const token = document.querySelector('[name=csrfmiddlewaretoken]').value
            const fields = new URLSearchParams({csrfmiddlewaretoken: token, pack: '1'})
            const answer = await fetch('/credits/buy/', {method: 'POST', body: fields})
            return [answer.status, await answer.text()]
        }"""
    )
    assert answer[0] == 403
    assert "nothing can be changed" in answer[1]
    page.get_by_role("button", name="Be yourself again").click()
    expect(page).to_have_url(organization)
    expect(banner).to_have_count(0)
    owner.go("/home/")
    expect(banner).to_have_count(0)
    assert owner.complaints == []
