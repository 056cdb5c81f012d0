"""Home: what there is to spend, what was made, and what to do first."""

import datetime

import pytest

from accounts.models import Role
from generations.charts import bars
from tests.cast import Person, join, new_key
from tests.makers import set_price
from tests.pages import browser_of, made, text_of


def test_new_member_is_told_what_to_do_first(alice: Person) -> None:
    page = text_of(browser_of(alice).get("/home/"))
    assert "1,500" in page
    assert "100 images" in page
    for step in (
        "Make an image in the playground",
        "Buy credits",
        "Make an API key",
        "Call the API with it",
    ):
        assert step in page
    assert "done" not in page
    assert "Images per day" not in page


def test_what_was_made_is_counted_and_shown(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    made(client, prompt="sandbox:failed")
    response = client.get("/home/")
    page = text_of(response)
    assert "50.0%" in page
    assert "1 failed, not charged" in page
    assert "15 credits · 1 this month" in page
    assert "Make an image in the playground done" in page
    assert f'href="/gallery/{generation.task_id}/"' in response.content.decode()


def test_steps_are_those_of_the_role(alice: Person) -> None:
    viewer = join("viewer@studio.example", alice.organization, Role.VIEWER)
    page = text_of(browser_of(viewer).get("/home/"))
    assert "First steps" not in page
    assert "New image" not in page
    billing = join("billing@studio.example", alice.organization, Role.BILLING)
    page = text_of(browser_of(billing).get("/home/"))
    assert "First steps 1. Buy credits".replace("1. ", "") in page.replace("1. ", "")
    assert "Make an API key" not in page


def test_steps_go_once_all_are_done(alice: Person) -> None:
    developer = join("dev@studio.example", alice.organization, Role.DEVELOPER)
    made(browser_of(alice))
    key, _secret = new_key(alice)
    assert "First steps" in text_of(browser_of(developer).get("/home/"))
    key.note_use("127.0.0.1")
    assert "First steps" not in text_of(browser_of(developer).get("/home/"))


def test_few_credits_are_warned_of(alice: Person) -> None:
    assert "Credits are left for" not in text_of(browser_of(alice).get("/home/"))
    set_price(200)
    page = text_of(browser_of(alice).get("/home/"))
    assert "Credits are left for 7 images." in page
    assert "Get more" in page
    viewer = join("viewer@studio.example", alice.organization, Role.VIEWER)
    assert "Ask an owner" in text_of(browser_of(viewer).get("/home/"))


def test_another_organization_sees_nothing_of_it(alice: Person, charlie: Person) -> None:
    generation = made(browser_of(alice))
    assert generation.task_id not in browser_of(charlie).get("/home/").content.decode()


@pytest.mark.parametrize("most", [1, 7, 1_000_000])
def test_bars_fit_and_show_whatever_is_not_nothing(most: int) -> None:
    day = datetime.date(2026, 11, 1).isoformat()
    chart = bars([(day, most), (day, 0), (day, 1)])
    assert [bar.height for bar in chart.bars][:2] == [chart.height, 0]
    assert chart.bars[2].height >= 3
    assert all(bar.y + bar.height == chart.height for bar in chart.bars)
    assert [bar.is_last for bar in chart.bars] == [False, False, True]


def test_no_bars_at_all() -> None:
    assert bars([]).is_empty
    assert bars([("day", 0)]).is_empty
