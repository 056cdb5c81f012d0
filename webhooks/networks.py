"""Which IP addresses the door out may connect to. Judged by the address alone, never by a text that stands for it."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.utils.translation import gettext_lazy as _

# IANA's registries of special addresses, and what clouds answer their own machines at. Written out, since the standard
# library's `is_global` changes with Python's patch releases.
_FORBIDDEN_V4: list[tuple[IPv4Network, Any]] = [
    (IPv4Network(network), kind)
    for network, kind in [
        ("0.0.0.0/8", _("unspecified")),
        ("10.0.0.0/8", _("private")),
        ("100.64.0.0/10", _("shared by a provider's customers")),  # Alibaba's metadata is in it
        ("127.0.0.0/8", _("this machine itself")),
        ("168.63.129.16/32", _("a cloud's own services")),  # Azure's, outside of every special network
        ("169.254.0.0/16", _("link-local")),  # the other clouds' metadata is in it
        ("172.16.0.0/12", _("private")),
        ("192.0.0.0/24", _("reserved")),
        ("192.0.2.0/24", _("for documentation")),
        ("192.88.99.0/24", _("reserved")),
        ("192.168.0.0/16", _("private")),
        ("198.18.0.0/15", _("for benchmarks")),
        ("198.51.100.0/24", _("for documentation")),
        ("203.0.113.0/24", _("for documentation")),
        ("224.0.0.0/4", _("multicast")),
        ("240.0.0.0/4", _("reserved")),
    ]
]
_FORBIDDEN_V6: list[tuple[IPv6Network, Any]] = [
    (IPv6Network(network), kind)
    for network, kind in [
        ("::/128", _("unspecified")),
        ("::1/128", _("this machine itself")),
        ("fc00::/7", _("private")),  # Amazon's and Google's metadata is in it
        ("fe80::/10", _("link-local")),
        ("fec0::/10", _("private")),
        ("ff00::/8", _("multicast")),
        ("2001::/23", _("reserved")),  # Teredo, benchmarks, identifiers: no web server is here
        ("2001:db8::/32", _("for documentation")),
        ("2002::/16", _("reserved")),  # 6to4, given up in 2015: it leads to any IPv4 address
        ("3fff::/20", _("for documentation")),
    ]
]
_GLOBAL_V6 = IPv6Network("2000::/3")
_V4_INSIDE_V6 = [IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")]  # mapped; NAT64

IpAddress = IPv4Address | IPv6Address


def as_address(text: str) -> IpAddress:
    """What a resolver answered, such as `fe80::1%2`; an IPv4 address also when it comes inside of an IPv6 one."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and any(address in network for network in _V4_INSIDE_V6):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def why_forbidden(address: IpAddress) -> Any:
    """What kind of address it is, translatable; "" for a public one."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _FORBIDDEN_V4 if address in network), "")
    kind = next((kind for network, kind in _FORBIDDEN_V6 if address in network), "")
    return kind or ("" if address in _GLOBAL_V6 else _("reserved"))
