"""Search engines find the pages for anybody, in each language, and nothing else."""

import re
from xml.etree import ElementTree

import pytest
from pytest_django import Settings

from config import crawlers, languages
from tests.pages import browser_of
from tests.routes import routes

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LINK = "{http://www.w3.org/1999/xhtml}link"


@pytest.fixture(autouse=True)
def address(settings: Settings) -> str:
    settings.PUBLIC_URL = "https://shop.example"
    return "https://shop.example"


def may_fetch(rules: str, path: str) -> bool:
    """As RFC 9309 says: the longest rule that fits, and of two as long the one that allows."""
    found = [(len("/"), False)]
    for allowed in re.findall(r"^Allow: (\S+)$", rules, re.MULTILINE):
        is_whole = allowed.endswith("$")
        if path == allowed[:-1] if is_whole else path.startswith(allowed):
            found.append((len(allowed), True))
    return max(found)[1]


@pytest.mark.django_db
def test_robots_allows_what_is_for_anybody_and_closes_all_else(address: str) -> None:
    answer = browser_of().get("/robots.txt")
    rules = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert "\nDisallow: /\n" in rules
    assert f"\nSitemap: {address}/sitemap.xml\n" in rules
    for path in crawlers.public_paths():
        for code in languages.NAMES:
            assert may_fetch(rules, languages.translated(path, code)), path
    open_ones = {f"/{one.pattern}" for one in routes() if may_fetch(rules, f"/{one.pattern}")}
    seen_by_all = re.compile(
        r"/((pricing|docs)/.*|docs/errors/<slug:word>|favicon.ico|(accent|logo|card|samples)/.*)?"
    )
    assert [path for path in open_ones if not seen_by_all.fullmatch(path)] == []
    closed = ["/home/", "/i/x.png", "/admin/", "/sign-in/", "/api/schema", "/pricing", "/x"]
    assert not any(may_fetch(rules, path) for path in closed)


@pytest.mark.django_db
def test_sitemap_has_each_page_in_each_language_with_its_sisters(address: str) -> None:
    answer = browser_of().get("/sitemap.xml")
    assert answer["Content-Type"].startswith("application/xml")
    pages = ElementTree.fromstring(answer.content).findall(f"{SITEMAP}url")
    found = {page.findtext(f"{SITEMAP}loc") or "": page for page in pages}
    assert len(found) == len(pages) == len(crawlers.public_paths()) * len(languages.NAMES)
    sisters = {
        link.get("hreflang"): link.get("href") for link in found[f"{address}/de/pricing/"].findall(LINK)
    }
    assert sisters == {
        "en": f"{address}/pricing/",
        "de": f"{address}/de/pricing/",
        "zh-Hans": f"{address}/zh/pricing/",
        "x-default": f"{address}/pricing/",
    }
    client = browser_of()
    for place in found:
        answer = client.get(place.removeprefix(address))
        assert answer.status_code == 200, place
        assert f'<link rel="canonical" href="{place}">' in answer.content.decode()
