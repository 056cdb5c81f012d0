"""What the operator chose may be reached; what others chose follows the rules, even beside it."""

import ssl
import threading
from pathlib import Path

import pytest
from django.utils import translation

from tests.upstreams.http1 import Reply
from tests.webhooks.certificates import Authority
from tests.webhooks.street import UNTRUSTING, Street
from webhooks import outbound
from webhooks.outbound import OTHER_PORTS, Door, Refused, Unreachable, check_address

OK = Reply(body=b"picture")


def public(_host: str, _port: int) -> list[str]:
    return ["93.184.216.34"]


def test_result_at_the_operators_own_origin_is_fetched_as_its_api_is(street: Street) -> None:
    house = street.house(OK)
    assert street.fetch(f"{house.url}/results/1.png?sig=x", trusted=house.origin) == b"picture"


def test_origin_is_the_same_in_other_letters(street: Street) -> None:
    house = street.house(OK)
    url, origin = f"http://gpu.EXAMPLE:{house.port}/", ("http", "GPU.example", house.port)
    assert street.fetch(url, trusted=origin, resolve=lambda _host, _port: ["127.0.0.1"]) == b"picture"


@pytest.mark.parametrize(("url", "port"), [("http://gpu.example/", 80), ("https://gpu.example:443/", None)])
def test_origin_is_the_same_with_its_usual_port(street: Street, url: str, port: int | None) -> None:
    origin = (url.partition(":")[0], "gpu.example", port)
    with pytest.raises(Unreachable):  # and not Refused: it was tried
        street.fetch(url, trusted=origin, resolve=lambda _host, _port: ["127.9.9.9"])


@pytest.mark.parametrize(
    ("scheme", "host", "port_beside"),
    [
        ("https", "127.0.0.1", 0),
        ("http", "localhost", 0),
        ("http", "127.1", 0),
        ("http", "127.0.0.1", 1),
        ("http", "127.0.0.1", None),
        ("", "", 0),
    ],
)
def test_anything_but_exactly_that_origin_is_a_strangers(
    street: Street, scheme: str, host: str, port_beside: int | None
) -> None:
    house = street.house(OK)
    port = None if port_beside is None else house.port + port_beside
    with pytest.raises(Refused):
        street.fetch(house.url, trusted=(scheme, host, port))
    assert house.visitors() == 0


def test_trust_in_one_call_is_none_in_the_next(street: Street) -> None:
    """No connection that was opened for the operator's address is there for somebody else's."""
    house = street.house(OK)

    async def twice() -> None:
        door = Door(verify=UNTRUSTING)
        await door.fetch(house.url, max_bytes=100, total_s=20, trusted_origin=house.origin)
        with pytest.raises(Refused):
            await door.fetch(house.url, max_bytes=100, total_s=20)

    street.run(twice())
    assert len(house.asked) == 1


@pytest.mark.usefixtures("loopback_allowed")
class TestLoopbackAllowed:
    def test_this_machine_is_reached_over_http(self, street: Street) -> None:
        house = street.house(OK)
        assert street.fetch(house.url) == b"picture"
        assert street.fetch(f"http://[::1]:{house.port}/") == b"picture"
        assert street.fetch(f"http://localhost:{house.port}/") == b"picture"
        check_address(house.url)

    @pytest.mark.parametrize("ip", ["10.0.0.1", "169.254.169.254", "0.0.0.0", "fe80::1%1", "8.8.8.8"])
    def test_http_leads_nowhere_else(self, street: Street, ip: str) -> None:
        with pytest.raises(Refused, match="https"):
            street.fetch("http://elsewhere.example/", resolve=lambda _host, _port: [ip])

    @pytest.mark.parametrize("ip", ["10.0.0.1", "169.254.169.254", "0.0.0.0", "192.168.0.1"])
    def test_other_addresses_inside_stay_refused(self, street: Street, ip: str) -> None:
        with pytest.raises(Refused, match="not on the public internet"):
            street.fetch("https://elsewhere.example/", resolve=lambda _host, _port: [ip])

    def test_proxies_of_the_environment_are_passed_by(
        self, street: Street, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house, proxy = street.house(OK), street.house(OK)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert street.fetch(house.url) == b"picture"
        assert proxy.visitors() == 0


@pytest.mark.parametrize("port", [443, 1024, 8443, 8080, 65535])
def test_port_that_may_speak_https_is_allowed(port: int) -> None:
    check_address(f"https://shop.example:{port}/", resolve=public)
    check_address("https://shop.example/", resolve=public)


@pytest.mark.parametrize("port", [1, 22, 25, 80, 465, 587, 993, 1023, *sorted(OTHER_PORTS)])
def test_port_of_another_service_is_refused(street: Street, port: int) -> None:
    url = f"https://shop.example:{port}/"
    with pytest.raises(Refused, match=f"Port {port}"):
        street.fetch(url, resolve=public)
    with pytest.raises(Refused, match=f"Port {port}"):
        check_address(url, resolve=public)


def test_reason_can_be_shown_in_the_language_of_whoever_asks() -> None:
    with pytest.raises(Refused) as caught:
        check_address("https://192.168.1.1/")
    expected = "This address leads to 192.168.1.1, which is not on the public internet (private)"
    with translation.override("en"):
        assert str(caught.value.reason) == expected
    assert not isinstance(caught.value.reason, str)


def test_saving_an_address_does_not_wait_for_a_name_server(
    monkeypatch: pytest.MonkeyPatch, street: Street
) -> None:
    monkeypatch.setattr(outbound, "CONNECT_S", 0.1)
    let_go = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        let_go.wait(30)
        return ["93.184.216.34"]

    try:
        with pytest.raises(Refused, match="leads nowhere"):
            check_address("https://slow.example/", resolve=slow)
        with pytest.raises(Unreachable):
            street.fetch("https://slow.example/", resolve=slow)
    finally:
        let_go.set()


def test_usual_certificates_are_verified_with_the_name() -> None:
    verify = Door()._verify
    assert verify.check_hostname
    assert verify.verify_mode is ssl.CERT_REQUIRED


def test_certificates_of_an_installation_can_be_given(street: Street, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    house = street.house(OK, tls=authority.server("gpu.example"))
    origin = ("https", "gpu.example", house.port)
    found = street.fetch(
        f"https://gpu.example:{house.port}/",
        trusted=origin,
        resolve=lambda _host, _port: ["127.0.0.1"],
        verify=authority.trusted(),
    )
    assert found == b"picture"
