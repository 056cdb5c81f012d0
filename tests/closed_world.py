"""Shuts this process's sockets: loopback and Unix sockets stay open, and loopback names are looked up."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest

_look_up = socket.getaddrinfo


class SocketShutError(RuntimeError):
    """A test reached for something outside this machine."""


def refuse_unless_local(address: object) -> None:
    """`address` as sockets take it: a path, or a tuple that begins with a host. Raises SocketShutError."""
    if isinstance(address, str | bytes):
        return
    host = address[0] if isinstance(address, tuple) and address else None
    if not isinstance(host, str) or not _is_local(host):
        raise SocketShutError(f"Tests stay on this machine, but one reached for {address!r}.")


def _is_local(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def shut_sockets(patch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), position=1))
    patch.setattr(socket.socket, "sendto", _guarded(socket.socket.sendto, position=-1))
    patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


def _guarded(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def guarded(*arguments: Any) -> Any:
        try:
            refuse_unless_local(arguments[position])
        except SocketShutError:
            arguments[0].close()  # callers expect an OSError here, and would leave it open
            raise
        return original(*arguments)

    return guarded


def _guarded_lookup(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local(name) and not _is_number(name):
            raise SocketShutError(f"Tests stay on this machine, but one looked up {name!r}.")
        return original(host, *arguments, **options)

    return guarded


def _is_number(host: str) -> bool:
    """Also `2130706433` and `127.1`: nobody else is asked what they stand for."""
    try:
        _look_up(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True
