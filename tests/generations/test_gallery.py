"""The gallery: a grid without end, its filters, each order in full, and deleting it."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditAction, AuditEvent, Role
from generations import runner
from generations.models import Generation
from generations.views import gallery
from tests.cast import Person, give_credits, join, new_key
from tests.makers import a_generation, an_access
from tests.pages import browser_of, made, ordered, text_of

HTMX = {"HX-Request": "true"}


def shown(client: Client, path: str = "/gallery/", **asked: str) -> list[str]:
    """Task ids, in their order."""
    return re.findall(r'href="/gallery/(task_\w+)/"', client.get(path, asked).content.decode())


def test_empty_one_shows_a_prompt_to_try(alice: Person) -> None:
    client = browser_of(alice)
    html = client.get("/gallery/").content.decode()
    [path] = re.findall(r'href="(/playground/\?prompt=[^"]+)"', html)
    assert "A lighthouse at dusk" in text_of(client.get(path))


def test_every_order_is_there_newest_first_whatever_became_of_it(alice: Person) -> None:
    client = browser_of(alice)
    orders = [made(client), made(client, prompt="sandbox:failed"), ordered(client, prompt="waiting")]
    assert shown(client) == [order.task_id for order in reversed(orders)]
    page = text_of(client.get("/gallery/"))
    assert "Failed" in page
    assert "Queued" in page


def test_scrolling_down_shows_each_order_once_while_new_ones_come(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "A_PAGE", 2)
    client = browser_of(alice)
    access = an_access(alice.organization)
    orders = [a_generation(access).task_id for _ in range(5)]
    seen: list[str] = []
    response = client.get("/gallery/")
    while True:
        html = response.content.decode()
        seen += re.findall(r'href="/gallery/(task_\w+)/"', html)
        following = re.search(r'hx-get="([^"]+)"', html)
        if following is None:
            break
        a_generation(access)
        response = client.get(following[1].replace("&amp;", "&"), headers=HTMX)
        assert b"<html" not in response.content
    assert seen == orders[::-1]


def test_grid_keeps_a_place_for_each_that_comes(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "A_PAGE", 3)
    client = browser_of(alice)
    access = an_access(alice.organization)
    for _ in range(5):
        a_generation(access)
    html = client.get("/gallery/").content.decode()
    assert html.count('<span class="plate"') == 2
    [following] = set(re.findall(r'hx-get="([^"]+)"', html))
    assert b'class="plate"' not in client.get(following.replace("&amp;", "&"), headers=HTMX).content


def test_without_scripts_older_ones_are_a_page_of_their_own(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "A_PAGE", 1)
    client = browser_of(alice)
    first, second = made(client), made(client)
    html = client.get("/gallery/").content.decode()
    [older] = re.findall(r'rel="next" href="([^"]+)"', html)
    assert shown(client) == [second.task_id]
    assert shown(client, older.replace("&amp;", "&")) == [first.task_id]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"text": "HARBOUR"}, lambda order: "harbour" in order.prompt),
        ({"status": "failed"}, lambda order: order.status == "failed"),
        ({"key": "people"}, lambda order: order.key_id is None),
        ({"since": "2020-01-01", "until": "2020-01-02"}, lambda order: False),
        ({"since": "2020-01-01", "text": "fox"}, lambda order: "fox" in order.prompt),
    ],
)
def test_filters(alice: Person, asked: dict[str, str], wanted: Callable[[Generation], bool]) -> None:
    client = browser_of(alice)
    made(client)
    made(client, prompt="an old harbour")
    made(client, prompt="sandbox:failed")
    a_generation(an_access(alice.organization))
    expected = {order.task_id for order in Generation.objects.all() if wanted(order)}
    assert set(shown(client, **asked)) == expected


def test_filter_by_key_is_of_own_keys(alice: Person, charlie: Person) -> None:
    key, _secret = new_key(alice)
    foreign, _secret = new_key(charlie)
    client = browser_of(alice)
    assert client.get("/gallery/", {"key": key.public_id}).status_code == 200
    assert client.get("/gallery/", {"key": foreign.public_id}).status_code == 400


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "yesterday"},
        {"until": "9999-12-31"},
        {"status": "lost"},
        {"text": "x" * 101},
        {"key": "key_1"},
    ],
)
def test_bad_filter_says_so_and_keeps_what_was_typed(alice: Person, asked: dict[str, str]) -> None:
    response = browser_of(alice).get("/gallery/", asked)
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()


def test_foreign_or_altered_cursor_begins_anew(alice: Person, charlie: Person) -> None:
    for cursor in ("x", "1", "A" * 100):
        assert browser_of(alice).get("/gallery/", {"cursor": cursor})["Location"] == "/gallery/"


def test_one_order_in_full_with_its_receipt(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    response = client.get(f"/gallery/{generation.task_id}/")
    page = text_of(response)
    for words in ("a fox in the snow", "1280×720 (16:9) · JPEG", "Held 15", "Charged 15", "Returned 0"):
        assert words in page
    assert str(generation.seed) in page
    assert "Balance: 1,500 credits before, 1,485 after." in page
    assert "Other orders" not in page
    assert f'href="/playground/?again={generation.task_id}"' in response.content.decode()


def test_receipt_says_when_its_balances_differ_by_what_others_did(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    made(client)
    runner.run(generation.pk)
    page = text_of(client.get(f"/gallery/{generation.task_id}/"))
    assert "Balance: 1,500 credits before, 1,470 after. Other orders, or credits that were added" in page


def test_receipt_blames_no_other_order_for_credits_that_were_added(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    give_credits(alice.organization, 100)
    runner.run(generation.pk)
    page = text_of(client.get(f"/gallery/{generation.task_id}/"))
    assert "1,500 credits before, 1,585 after. Other orders, or credits that were added" in page


def test_failed_order_says_why_and_that_it_cost_nothing(alice: Person) -> None:
    client = browser_of(alice)
    page = text_of(client.get(f"/gallery/{made(client, prompt='sandbox:failed').task_id}/"))
    assert "The image could not be made." in page
    assert "Nothing was charged." in page
    assert "Charged 0 credits Returned 15 credits".replace(" ", "") in page.replace(" ", "")


def test_deleting_asks_once_and_keeps_the_receipt(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    path = f"/gallery/{generation.task_id}/"
    [source] = re.findall(r'class="picture" href="([^"]+)"', client.get(path).content.decode())
    picture = source.replace("&amp;", "&")
    assert client.get(picture).status_code == 200
    assert "Delete this image?" in text_of(client.get(f"{path}delete"))
    assert client.get(picture).status_code == 200
    form = {"for": alice.organization.slug}
    assert client.post(f"{path}delete", form)["Location"] == "/gallery/"
    assert client.get(picture).status_code == 410
    page = text_of(client.get(path))
    assert "The images were deleted." in page
    assert "The prompt was deleted." in page
    assert "fox" not in page
    assert "Charged 15" in page
    assert AuditEvent.objects.filter(action=AuditAction.IMAGES_DELETED).count() == 1
    assert client.post(f"{path}delete", form).status_code == 302  # twice is once


def test_open_order_is_not_deleted(alice: Person) -> None:
    client = browser_of(alice)
    generation = ordered(client)
    path = f"/gallery/{generation.task_id}/delete"
    assert client.post(path, {"for": alice.organization.slug}).status_code == 404
    generation.refresh_from_db()
    assert generation.prompt == "a fox in the snow"


def test_viewers_look_and_do_not_delete(alice: Person) -> None:
    generation = made(browser_of(alice))
    viewer = browser_of(join("viewer@studio.example", alice.organization, Role.VIEWER))
    page = viewer.get(f"/gallery/{generation.task_id}/")
    assert page.status_code == 200
    assert "/delete" not in page.content.decode()
    assert viewer.post(f"/gallery/{generation.task_id}/delete").status_code == 403


def test_prompt_is_escaped(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client, prompt="<script>alert(1)</script>")
    for path in ("/gallery/", f"/gallery/{generation.task_id}/", "/home/"):
        assert "<script>alert" not in client.get(path).content.decode()
