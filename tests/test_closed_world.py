import socket
import urllib.request

import pytest

from tests.closed_world import SocketShutError

OUTSIDE = "192.0.2.1"  # reserved for documentation: nobody answers there


@pytest.mark.parametrize("address", [(OUTSIDE, 80), ("::ffff:192.0.2.1", 80, 0, 0), ("shop.example", 80)])
def test_connecting_to_another_machine_is_refused(address: tuple[object, ...]) -> None:
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(SocketShutError):
        client.connect(address)


def test_sending_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(SocketShutError):
        client.sendto(b"x", (OUTSIDE, 53))


def test_looking_up_a_name_outside_is_refused() -> None:
    with pytest.raises(SocketShutError):
        socket.create_connection(("shop.example", 80))


def test_http_to_another_machine_is_refused() -> None:
    with pytest.raises(SocketShutError):
        urllib.request.urlopen(f"http://{OUTSIDE}/", timeout=1)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("localhost", port)).close()
        socket.create_connection(("127.0.0.1", port)).close()
