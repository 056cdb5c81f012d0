"""The frame around pages: its list of pages on a telephone, and light and dark."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, WIDE, Shop, Visitor

SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 300);
})"""


def test_list_of_pages_opens_on_a_telephone_by_keyboard_and_without_scripts(
    owner_without_scripts: Visitor,
) -> None:
    page = owner_without_scripts.page
    page.set_viewport_size(PHONE)
    owner_without_scripts.go("/home/")
    playground = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Playground")
    frame = page.locator(".side").bounding_box()
    assert frame is not None
    assert frame["height"] < 60  # one row, not three
    expect(playground).to_be_hidden()
    page.keyboard.press("Tab")  # to the content
    page.keyboard.press("Tab")  # the shop
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    page.keyboard.press("Enter")
    expect(playground).to_be_visible()
    expect(page.locator("#menu [aria-current=page]")).to_have_text("Home")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(playground).to_be_hidden()
    page.keyboard.press("Enter")
    playground.click()
    expect(page).to_have_url(f"{owner_without_scripts.shop.address}/playground/")


def test_list_of_pages_just_stands_there_where_there_is_room(owner: Visitor) -> None:
    owner.go("/home/")
    expect(owner.page.get_by_role("button", name="Menu")).to_be_hidden()
    expect(owner.page.get_by_role("link", name="Gallery", exact=True).first).to_be_visible()


def paper(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def test_chosen_theme_holds_against_the_devices(browser: Browser, shop: Shop) -> None:
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    visitor = Visitor(shop, context.new_page())
    visitor.go("/pricing/")
    assert paper(visitor.page) == "rgb(248, 245, 239)"
    visitor.page.get_by_role("button", name="Dark").click()
    expect(visitor.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert visitor.page.url == f"{shop.address}/pricing/"
    assert paper(visitor.page) == "rgb(23, 20, 17)"
    visitor.go("/sign-in/")
    assert paper(visitor.page) == "rgb(23, 20, 17)"
    visitor.page.get_by_role("button", name="Automatic").click()
    expect(visitor.page.get_by_role("button", name="Automatic")).to_have_attribute("aria-pressed", "true")
    assert paper(visitor.page) == "rgb(248, 245, 239)"
    assert visitor.complaints == []
    context.close()


def test_landing_does_not_move_and_its_code_is_copied(browser: Browser, shop: Shop) -> None:
    context = browser.new_context(viewport=PHONE, permissions=["clipboard-read", "clipboard-write"])
    visitor = Visitor(shop, context.new_page())
    visitor.go("/")
    assert visitor.page.evaluate(SHIFTS) < 0.01
    visitor.page.get_by_role("button", name="Copy").first.click()
    expect(visitor.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {shop.address}/api/generate")
    assert visitor.complaints == []
    context.close()
