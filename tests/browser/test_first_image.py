"""The first minutes of a customer: sign in, order, watch, see."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OWNER, Visitor


def test_wrong_password_keeps_the_email_and_lets_one_try_again(stranger: Visitor) -> None:
    page = stranger.page
    stranger.sign_in("wrong")
    expect(page.get_by_role("alert")).to_have_text("This e-mail and password do not match. Try again.")
    expect(page.get_by_label("E-mail")).to_have_value(OWNER)
    page.get_by_label("Password").fill(stranger.shop.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{stranger.shop.address}/sign-in/")


def test_image_is_ordered_watched_and_seen(owner: Visitor) -> None:
    page = owner.page
    owner.go("/playground/")
    before = owner.credits()
    owner.order("A lighthouse at dusk, heavy sea", "16:9")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#balance")).to_contain_text("15 held")
    expect(page.get_by_text(re.compile(r"[1-9]\d%"))).to_be_visible()
    placeholder = page.locator(".developing").bounding_box()
    image = page.get_by_role("img", name="A lighthouse at dusk, heavy sea").first
    expect(image).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert image.bounding_box() == placeholder, "the page jumped"
    image.evaluate("image => image.decode()")
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1280, 720]
    expect(page.locator("#balance")).not_to_contain_text("held")
    assert owner.credits() == before - 15
    expect(page.locator("#after")).to_contain_text(f"Balance after: {before - 30:,} credits")
    expect(page.locator("#news")).to_have_text("Succeeded")


def test_image_can_be_downloaded_and_ordered_again(owner: Visitor) -> None:
    page = owner.page
    owner.order("A fox in the snow", "9:16")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"img_\w+\.jpeg", download.value.suggested_filename)
    assert download.value.path().stat().st_size > 1000
    page.get_by_role("link", name="Same again").click()
    expect(page.get_by_label("Prompt")).to_have_value("A fox in the snow")
    expect(page.get_by_role("radio", name="9:16")).to_be_checked()
    expect(page.get_by_label("Seed")).to_have_value(re.compile(r"\d+"))


def test_cancel_frees_the_credits(owner: Visitor) -> None:
    page = owner.page
    owner.go("/playground/")
    before = owner.credits()
    owner.order("sandbox:slow=30 waiting")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("It cost nothing.")).to_be_visible()
    assert owner.credits() == before


def test_refused_prompt_is_explained_without_reloading(owner: Visitor) -> None:
    owner.order("sandbox:content_rejected a fox")
    expect(owner.page.get_by_text("refused by the content rules")).to_be_visible()


def test_keyboard_alone_is_enough(owner: Visitor) -> None:
    page = owner.page
    owner.go("/playground/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#balance a")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Prompt")).to_be_focused()
    page.keyboard.type("A keyboard 😀")
    expect(page.locator("#count")).to_have_text("12 / 1000")
    page.keyboard.press("Tab")
    shapes = ["1:1", "4:3", "3:4", "16:9", "9:16"]
    chosen = page.locator("input[name=aspect_ratio]:checked")
    following = shapes[(shapes.index(chosen.input_value()) + 1) % len(shapes)]
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name=following)).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Download").first).to_be_visible()


def test_double_click_orders_once(owner: Visitor) -> None:
    page = owner.page
    owner.open_playground()
    before = owner.credits()
    page.get_by_label("Prompt").fill("Twice")
    page.get_by_role("button", name="Make image").dblclick(no_wait_after=True)
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    assert owner.credits() == before - 15


def test_everything_works_without_scripts(owner_without_scripts: Visitor) -> None:
    page = owner_without_scripts.page
    owner_without_scripts.order("No scripts", "4:3")
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    expect(page.get_by_role("link", name="Download")).to_be_visible()  # the page reloads itself
    assert page.get_by_role("img", name="No scripts").count() >= 1
