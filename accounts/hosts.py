"""Host names as they are compared and kept, and as people read them: pure functions."""

import ipaddress
import re

import idna

MOST_SIGNS = 1000  # a name has 253, and as many letters as bytes in no script
NOBODY = "name.invalid"  # RFC 6761: no host bears it

_PLAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_PORT = re.compile(r":[0-9]{0,5}\Z")
_NAMED_PORT = re.compile(r":[0-9]{1,5}\Z")
_ROOT = re.compile("[.\u3002\uff0e\uff61]\\Z")  # as IDNA knows dots
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]\Z")


def clean_host(text: str) -> str | None:
    """A Host header, or what somebody typed, as domains are written: small, without a port and the root's dot, other
    scripts as `xn--…`, IPv6 in its short form. None for what names no host.
    """
    if len(text) > MOST_SIGNS:
        return None
    host = _as_sent(text).strip().lower()
    if not host.endswith("]"):
        host = _PORT.sub("", host)
    if host.startswith("["):
        return _short(host)
    host = _ROOT.sub("", host)
    if _PLAIN.match(host) and "xn--" not in host:
        return host
    try:
        host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (UnicodeError, idna.IDNAError):
        return None
    return host if _PLAIN.match(host) else None


def _as_sent(text: str) -> str:
    """Servers hand headers over as Latin-1. Before anything else is done with it: small letters would be others."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _short(host: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1])}]" if _IPV6.match(host) else None
    except ValueError:
        return None


def as_header(text: str) -> str:
    """The same with its port, for Django's own reading of a Host header. What it would refuse, underscores too, becomes
    a name that nobody has.
    """
    host = clean_host(text)
    if host is None or "_" in host:
        return NOBODY
    port = _NAMED_PORT.search(text.strip())
    return host + port[0] if port else host


def shown_host(host: str) -> str:
    """A domain as people write it."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except (UnicodeError, idna.IDNAError):
        return host
