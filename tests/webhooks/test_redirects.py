import pytest
from pytest_django import Settings

from tests.upstreams.http1 import Asked, Reply
from tests.webhooks.street import Street
from webhooks.outbound import BadAnswer, NotFetched, Refused

OK = Reply(body=b"picture")


def to(location: str, status: int = 302) -> Reply:
    return Reply(status, headers={"Location": location, "Set-Cookie": "session=1"})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/there", "there", "//{host}/there", "http://{host}/there"])
@pytest.mark.usefixtures("loopback_allowed")
def test_redirect_is_followed(street: Street, status: int, location: str) -> None:
    def answer(asked: Asked) -> Reply:
        return OK if asked.path == "/there" else to(location.replace("{host}", asked.headers["host"]), status)

    house = street.house(answer)
    assert street.fetch(f"{house.url}/here") == b"picture"
    assert [asked.path for asked in house.asked] == ["/here", "/there"]


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize(("redirects", "fetched"), [(3, True), (4, False), (99, False)])
def test_three_redirects_are_followed_and_no_more(street: Street, redirects: int, fetched: bool) -> None:
    def answer(asked: Asked) -> Reply:
        number = int(asked.path.strip("/"))
        return OK if number == redirects else to(f"/{number + 1}")

    house = street.house(answer)
    if fetched:
        assert street.fetch(f"{house.url}/0") == b"picture"
    else:
        with pytest.raises(BadAnswer, match="more than 3 redirects"):
            street.fetch(f"{house.url}/0")
    assert len(house.asked) == 4


@pytest.mark.usefixtures("loopback_allowed")
def test_redirects_in_a_circle_end(street: Street) -> None:
    house = street.house(to("/"))
    with pytest.raises(BadAnswer, match="redirects"):
        street.fetch(house.url)
    assert len(house.asked) == 4


@pytest.mark.parametrize("status", [300, 304, 305, 302])
@pytest.mark.usefixtures("loopback_allowed")
def test_redirect_without_a_place_is_a_bad_answer(street: Street, status: int) -> None:
    house = street.house(Reply(status))
    with pytest.raises(BadAnswer, match=str(status)):
        street.fetch(house.url)


INWARD = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "https://10.0.0.1/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "https://a@127.0.0.1:{port}/",
    "https:\\\\127.0.0.1:{port}/",
    "http://[",
    "https://127.0.0.1:{port}/\xe9",
]


@pytest.mark.parametrize("location", INWARD)
def test_redirect_inward_is_refused_before_a_connection(street: Street, location: str) -> None:
    """The first address is the operator's own, so it may be here; where it leads is not his choice."""
    inside = street.house(OK)
    outside = street.house(to(location.replace("{port}", str(inside.port))))
    with pytest.raises(NotFetched):
        street.fetch(outside.url, trusted=outside.origin)
    assert len(outside.asked) >= 1
    assert inside.visitors() == 0


@pytest.mark.usefixtures("loopback_allowed")
def test_stranger_does_not_lead_back_into_what_the_operator_trusts(
    street: Street, settings: Settings
) -> None:
    """Operator's → elsewhere → operator's: the third step is a stranger's wish, so it needs to be allowed to all."""
    trusted = street.house(lambda _asked: to(f"{elsewhere.url}/"))

    def answer(_asked: Asked) -> Reply:
        settings.OUTBOUND_LOOPBACK = False
        return to(trusted.url)

    elsewhere = street.house(answer)
    with pytest.raises(Refused):
        street.fetch(trusted.url, trusted=trusted.origin)
    assert (len(trusted.asked), len(elsewhere.asked)) == (1, 1)


@pytest.mark.usefixtures("loopback_allowed")
def test_nothing_is_carried_from_one_step_to_the_next(street: Street) -> None:
    second = street.house(OK)
    first = street.house(to(f"{second.url}/x"))
    street.fetch(f"{first.url}/?key=secret")
    for house in (first, second):
        [asked] = house.asked
        assert {name: value for name, value in asked.headers.items() if name} == {
            "host": f"127.0.0.1:{house.port}",
            "user-agent": "images/1",
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
        }
