"""Host names as they are compared and kept, and as people read them: pure functions."""

import re

import idna

_PLAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]\Z")
_PORT = re.compile(r":[0-9]{0,5}\Z")


def clean_host(text: str) -> str | None:
    """A Host header, or what somebody typed, as domains are written: small, without a port and the root's dot, other
    scripts as `xn--…`. None for what names no host.
    """
    host = _PORT.sub("", text.strip()) if not text.endswith("]") else text.strip()
    if host.startswith("["):
        host = host.lower()
        return host if _IPV6.match(host) else None
    host = host.removesuffix(".").lower()
    if _PLAIN.match(host) and "xn--" not in host:
        return host
    try:
        if not host.isascii():
            host = _sent_as_utf8(host)
        host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (UnicodeError, idna.IDNAError):
        return None
    return host if _PLAIN.match(host) else None


def _sent_as_utf8(host: str) -> str:
    """Servers hand headers over as Latin-1."""
    try:
        return host.encode("latin-1").decode()
    except UnicodeError:
        return host


def shown_host(host: str) -> str:
    """A domain as people write it."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except (UnicodeError, idna.IDNAError):
        return host
