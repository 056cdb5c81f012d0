"""A name that leads elsewhere the second time it is asked: what was judged is what is reached."""

import asyncio

import pytest

from tests.closed_world import SocketShutError
from tests.webhooks.street import Street
from webhooks.networks import as_address, why_forbidden
from webhooks.outbound import Refused, Unreachable, check_address
from webhooks.resolving import Resolve

PUBLIC = "93.184.216.34"


class Rebinding:
    """The name server of somebody who means harm: each answer is told once, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def check_then_connect(resolve: Resolve, port: int) -> None:
    """The control: what happens to those who judge a name, and then hand it to a library that resolves it again."""
    for ip in resolve("rebinding.example", port):
        assert not why_forbidden(as_address(ip))
    _, writer = await asyncio.open_connection(resolve("rebinding.example", port)[0], port)
    writer.close()


def test_checking_the_name_first_would_have_led_inside(street: Street) -> None:
    house = street.house(b"")
    street.run(check_then_connect(Rebinding([PUBLIC], ["127.0.0.1"]), house.port))
    assert house.visitors() == 1


def test_connection_goes_to_what_was_judged(street: Street) -> None:
    house, resolve = street.house(b""), Rebinding([PUBLIC], ["127.0.0.1"])
    with pytest.raises((SocketShutError, ExceptionGroup)) as caught:  # the tests' own world is shut to it
        street.fetch(f"https://rebinding.example:{house.port}/", resolve=resolve)
    assert PUBLIC in repr(caught.value)
    assert resolve.asked == 1
    assert house.visitors() == 0


def test_name_that_turned_inward_since_it_was_saved_is_refused(street: Street) -> None:
    house, resolve = street.house(b""), Rebinding([PUBLIC], ["127.0.0.1"])
    url = f"https://rebinding.example:{house.port}/"
    check_address(url, resolve=resolve)
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        street.fetch(url, resolve=resolve)
    assert house.visitors() == 0


@pytest.mark.parametrize("answer", [[PUBLIC, "127.0.0.1"], ["::1", PUBLIC], [*[PUBLIC] * 9, "10.0.0.1"]])
def test_one_address_inside_among_others_is_enough(street: Street, answer: list[str]) -> None:
    house = street.house(b"")
    with pytest.raises(Refused):
        street.fetch(f"https://both.example:{house.port}/", resolve=Rebinding(answer))
    assert house.visitors() == 0


@pytest.mark.usefixtures("loopback_allowed")
def test_address_that_does_not_answer_leaves_the_others(street: Street) -> None:
    house = street.house(b"HTTP/1.1 200 -\r\nContent-Length: 2\r\n\r\nok")
    url = f"http://several.example:{house.port}/"
    assert street.fetch(url, resolve=Rebinding(["127.9.9.9", "127.8.8.8", "127.0.0.1"])) == b"ok"


@pytest.mark.usefixtures("loopback_allowed")
def test_only_a_few_addresses_are_tried(street: Street) -> None:
    house = street.house(b"HTTP/1.1 200 -\r\nContent-Length: 2\r\n\r\nok")
    with pytest.raises(Unreachable):
        street.fetch(
            f"http://many.example:{house.port}/", resolve=Rebinding([*["127.9.9.9"] * 4, "127.0.0.1"])
        )


def nowhere(_host: str, _port: int) -> list[str]:
    raise OSError("no such name")


@pytest.mark.parametrize("resolve", [nowhere, Rebinding([])])
def test_name_that_leads_nowhere(street: Street, resolve: Resolve) -> None:
    with pytest.raises(Unreachable):
        street.fetch("https://nowhere.example/", resolve=resolve)
    with pytest.raises(Refused, match="leads nowhere"):
        check_address("https://nowhere.example/", resolve=resolve)
