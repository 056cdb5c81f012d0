"""Hosts through the real server: what it makes of strange ones, and what the shop that is served makes of that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.conftest import Answer, Site
from tests.shop import RunningShop, start

HOSTS = [
    b"Host: north.example",
    b"Host: NORTH.Example.:8443",
    b"Host:   north.example  ",
]
STRANGE = [
    b"Host: evil.example",
    b"Host: ",
    b"Host: evil example",
    b"Host: evil\x00.example",
    b"Host: ev\xc3\xadl.example",
    b"Host: \xff\xfe",
    b"Host: my_host",
    b"Host: north.example\r\nHost: evil.example",
    b"Host: evil.example\r\nHost: north.example",
    b"Host: " + b"a" * 10_000,
    b"Host: [::1",
    b"Host: xn--a.example",
    b"X-Forwarded-Host: north.example\r\nHost: evil.example",
]


def asked(site: Site, host: bytes, target: bytes = b"/echo", version: bytes = b"1.1") -> Answer:
    return site.ask(b"GET " + target + b" HTTP/" + version + b"\r\n" + host + b"\r\n\r\n")


def host_in(answer: Answer) -> str | None:
    found: str | None = answer.json()["headers"].get("HTTP_HOST")
    return found


def test_target_with_a_host_counts_and_where_they_differ_nobody_is_asked(site: Site) -> None:
    """What cannot be read Django refuses, where nobody has looked for a shop before."""
    absolute = b"http://shop.example/echo"
    assert host_in(asked(site, b"Host: shop.example", absolute)) == "shop.example"
    assert host_in(asked(site, b"Host: SHOP.example.", absolute)) == "shop.example"
    assert host_in(asked(site, b"X: 1", absolute, b"1.0")) == "shop.example"
    assert asked(site, b"Host: evil.example", absolute).status == 400


def test_host_that_cannot_be_read_is_seen_as_such_and_not_as_absent(site: Site) -> None:
    assert asked(site, "Host: münchen.example".encode()).status == 400


@pytest.fixture(scope="module")
def shop(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    from tests.several import a_shop, the_platform

    the_platform()
    a_shop("North")
    changes = {"PUBLIC_URL": "http://platform.example", "OTHER_HOSTS": "", "UNKNOWN_HOSTS": "refuse"}
    with start(tmp_path_factory.mktemp("hosts"), **changes) as running:
        yield running


def at(shop: RunningShop, host: bytes, target: bytes = b"/", version: bytes = b"1.1") -> Answer:
    return asked(Site(shop.port, Path()), host, target, version)


@pytest.mark.everyday_on("sqlite")
@pytest.mark.parametrize("host", HOSTS)
def test_served_shop_answers_at_its_host(shop: RunningShop, host: bytes) -> None:
    answer = at(shop, host)
    assert answer.status == 200
    assert b"North" in answer.body


@pytest.mark.everyday_on("sqlite")
@pytest.mark.parametrize("host", STRANGE)
def test_strange_hosts_get_421_or_no_hearing(shop: RunningShop, host: bytes) -> None:
    """400: the server refuses what is no request at all."""
    for target in (b"/", b"/api/status"):
        answer = at(shop, host, target)
        assert answer.status in (400, 421, 431), (host[:40], answer.status)
        assert b"North" not in answer.body
        assert answer.header("set-cookie") is None


@pytest.mark.everyday_on("sqlite")
def test_http_1_0_without_a_host_is_asked_by_its_address(shop: RunningShop) -> None:
    assert at(shop, b"X: 1", version=b"1.0").status == 421
    assert at(shop, b"Host: north.example", version=b"1.0").status == 200
    assert at(shop, b"X: 1", b"/healthz", b"1.0").status == 200


@pytest.mark.everyday_on("sqlite")
def test_target_with_a_host_chooses_the_shop(shop: RunningShop) -> None:
    north = b"http://north.example/"
    assert at(shop, b"Host: north.example", north).status == 200
    assert at(shop, b"Host: evil.example", north).status == 421
    assert at(shop, b"Host: north.example", b"http://evil.example/").status == 421
