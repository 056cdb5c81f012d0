"""https means that the server is who the address says, wherever its name leads."""

from pathlib import Path

import pytest

from tests.upstreams.http1 import Reply
from tests.webhooks.certificates import Authority
from tests.webhooks.street import House, Street
from webhooks import outbound
from webhooks.outbound import Unreachable

pytestmark = pytest.mark.usefixtures("loopback_allowed")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def house(street: Street, authority: Authority) -> House:
    return street.house(Reply(body=b"picture"), tls=authority.server("shop.example"))


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("name", ["shop.example", "shop.example.", "SHOP.example"])
def test_server_with_the_name_that_was_asked_for_is_believed(
    street: Street, house: House, authority: Authority, name: str
) -> None:
    url = f"https://{name}:{house.port}/a?b=c#d"
    assert street.fetch(url, resolve=here, verify=authority.trusted()) == b"picture"
    assert house.asked[0].target == "/a?b=c"


@pytest.mark.parametrize("host", ["other.example", "shop.example.other.example", "127.0.0.1", "[::1]"])
def test_server_with_another_name_is_not_asked(
    street: Street, house: House, authority: Authority, host: str
) -> None:
    with pytest.raises(Unreachable, match="verif"):
        street.fetch(f"https://{host}:{house.port}/", resolve=here, verify=authority.trusted())
    assert house.asked == []


def test_server_without_a_known_authority_is_not_asked(street: Street, house: House) -> None:
    with pytest.raises(Unreachable, match="verif"):
        street.fetch(f"https://shop.example:{house.port}/", resolve=here)
    assert house.asked == []


def test_server_that_never_answers_our_hello_is_unreachable(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "CONNECT_S", 0.2)
    house = street.house(b"")  # waits for the end of a request that never comes
    with pytest.raises(Unreachable):
        street.fetch(f"https://shop.example:{house.port}/", resolve=here)
    assert house.asked == []
