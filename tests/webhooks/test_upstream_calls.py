"""Calls of upstreams: into our own network only where whoever runs the installation says so, to the port."""

import socket

import pytest
from pytest_django import Settings

from generations.exchange import account_of
from generations.models import Upstream
from generations.providers import ADAPTERS
from generations.providers.http import Forbidden, Line, NoAnswer, NotReached
from generations.providers.wire import Origin, Request, Response
from tests.upstreams.http1 import Reply
from tests.webhooks.street import Street
from webhooks import outbound
from webhooks.outbound import Door, Refused

OK = Reply(200, {"made": True})


def asked(street: Street, *requests: Request, trusted: Origin | None = None) -> list[Response]:
    """By one line, one after the other."""

    async def ask() -> list[Response]:
        async with Line() as line:
            return [await line.send(request, total_s=5, trusted_origin=trusted) for request in requests]

    return street.run(ask())


def test_what_the_operator_chose_is_reached_inside(street: Street) -> None:
    house = street.house(OK)
    [answer] = asked(street, Request("GET", f"{house.url}/api"), trusted=house.origin)
    assert (answer.status, answer.members()) == (200, {"made": True})


@pytest.mark.parametrize(
    "spelling",
    ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://127.1:{port}", "http://2130706433:{port}"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_a_shop_entered_leads_nowhere_inside(street: Street, spelling: str, scheme: str) -> None:
    house = street.house(OK)
    url = spelling.format(port=house.port).replace("http:", f"{scheme}:")
    with pytest.raises(Forbidden):
        asked(street, Request("POST", f"{url}/api/generate", {"Authorization": "Bearer x"}, {}))
    assert house.visitors() == 0


@pytest.mark.parametrize("ip", ["10.0.0.7", "169.254.169.254", "127.0.0.1", "192.168.1.1", "::1"])
def test_a_name_is_judged_by_where_it_leads(street: Street, monkeypatch: pytest.MonkeyPatch, ip: str) -> None:
    monkeypatch.setattr(outbound, "system_resolver", lambda _host, _port: [ip])
    with pytest.raises(Forbidden, match="not on the public internet"):
        asked(street, Request("GET", "https://upstream.example/api"))


def test_a_name_that_leads_nowhere_is_not_reached(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    monkeypatch.setattr(outbound, "system_resolver", nobody)
    with pytest.raises(NotReached) as caught:
        asked(street, Request("GET", "https://upstream.example/api"))
    assert not isinstance(caught.value, Forbidden)


@pytest.mark.parametrize("beside", [("https", 0), ("http", 1)])
def test_another_scheme_or_port_of_the_same_host_is_a_strangers(
    street: Street, beside: tuple[str, int]
) -> None:
    house = street.house(OK)
    scheme, more = beside
    with pytest.raises(Forbidden):
        asked(street, Request("GET", house.url), trusted=(scheme, "127.0.0.1", house.port + more))
    assert house.visitors() == 0


@pytest.mark.usefixtures("loopback_allowed")
class TestLoopbackAllowed:
    """Where this machine may be reached, what is judged is carried as all else is."""

    def test_headers_and_body_arrive(self, street: Street) -> None:
        house = street.house(OK)
        request = Request(
            "POST", f"{house.url}/api/generate", {"Authorization": "Bearer x"}, {"prompt": "灯"}
        )
        [answer] = asked(street, request)
        assert answer.members() == {"made": True}
        [heard] = house.asked
        assert (heard.method, heard.path, heard.json()) == ("POST", "/api/generate", {"prompt": "灯"})
        assert heard.headers["host"] == f"127.0.0.1:{house.port}"
        assert heard.headers["authorization"] == "Bearer x"
        assert heard.headers["content-type"] == "application/json"
        assert heard.headers["accept-encoding"] == "identity"

    def test_connections_are_kept(self, street: Street) -> None:
        house = street.house(OK)
        asked(street, *[Request("GET", f"{house.url}/{number}") for number in range(3)])
        assert len(house.asked) == 3
        assert house.visitors() == 1

    def test_redirects_are_not_followed(self, street: Street) -> None:
        house = street.house(Reply(302, headers={"Location": "/elsewhere"}))
        [answer] = asked(street, Request("GET", house.url))
        assert answer.status == 302
        assert len(house.asked) == 1

    def test_a_connection_that_breaks_is_no_answer(self, street: Street) -> None:
        house = street.house(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        with pytest.raises(NoAnswer):
            asked(street, Request("GET", house.url))

    @pytest.mark.parametrize("value", ["two\nlines", "schlüssel"])
    def test_a_credential_of_odd_signs_is_not_sent_and_not_told(self, street: Street, value: str) -> None:
        house = street.house(OK)
        with pytest.raises(NotReached) as caught:
            asked(street, Request("GET", house.url, {"X-Token": value}))
        assert value not in str(caught.value)
        assert house.asked == []

    def test_nobody_listening_is_not_reached(self, street: Street) -> None:
        house = street.house(OK)
        street.run(house.close())
        with pytest.raises(NotReached):
            asked(street, Request("GET", house.url))


@pytest.mark.parametrize(
    ("base_url", "inside", "expected"),
    [
        ("http://gpu.internal:30000", False, ("http", "gpu.internal", 30000)),
        ("http://GPU.internal:30000/v1", False, ("http", "gpu.internal", 30000)),
        ("http://gpu.internal:30001", False, None),
        ("https://gpu.internal:30000", False, None),
        ("http://gpu.internal", False, None),
        ("http://other.internal", True, ("http", "other.internal", 80)),
        ("https://api.example", False, None),
    ],
)
def test_who_is_trusted(settings: Settings, base_url: str, inside: bool, expected: Origin | None) -> None:
    settings.UPSTREAM_ORIGINS = frozenset({("http", "gpu.internal", 30000)})
    upstream = Upstream(provider="portal", base_url=base_url, inside=inside, model_names={})
    assert account_of(upstream, ADAPTERS["portal"], "z-image-turbo").trusted_origin == expected


def test_webhooks_of_customers_do_not_lead_there(street: Street, settings: Settings) -> None:
    house = street.house(OK)
    settings.UPSTREAM_ORIGINS = frozenset({("http", "127.0.0.1", house.port)})

    async def posted() -> None:
        await Door().post(house.url, b"{}", headers={}, max_bytes=100, total_s=5)

    with pytest.raises(Refused):
        street.run(posted())
    with pytest.raises(Refused):
        outbound.check_address(house.url)
    assert house.visitors() == 0
