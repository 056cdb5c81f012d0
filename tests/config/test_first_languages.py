"""A shop that speaks another language than English first, asked for by its name alone."""

import pytest

from tests.several import a_shop, browser_at


@pytest.mark.parametrize(
    ("browser_speaks", "leads_to"),
    [("", "/de/"), ("de-AT,de", "/de/"), ("fr", "/de/"), ("en-GB,de;q=0.5", "")],
)
def test_the_name_alone_leads_to_what_the_visitor_reads(db: None, browser_speaks: str, leads_to: str) -> None:
    client = browser_at(a_shop("Nord", languages=["de", "en"]))
    answer = client.get("/", headers={"Accept-Language": browser_speaks} if browser_speaks else {})
    assert answer.get("Location", "") == leads_to
    assert answer["Vary"] == "Cookie, Accept-Language"
    assert client.get("/pricing/").status_code == 200, "who names a page in English gets it"


def test_who_chose_english_stays_there(db: None) -> None:
    client = browser_at(a_shop("Nord", languages=["de", "en"]))
    client.cookies["language"] = "en"
    assert client.get("/", headers={"Accept-Language": "de"}).status_code == 200


def test_a_shop_that_speaks_english_first_stays_where_it_is(db: None) -> None:
    client = browser_at(a_shop("North"))
    assert client.get("/", headers={"Accept-Language": "de"}).status_code == 200
