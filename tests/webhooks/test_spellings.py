"""No spelling of an address inside leads inside: refused, and nobody has knocked."""

from ipaddress import IPv4Address, IPv6Address

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import scale
from tests.webhooks.street import House, Street
from webhooks.outbound import NotFetched, Refused, check_address

NUMBERS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.1",
    "0177.0.0.1",
    "017700000001",
    "0x7f.0x0.0x0.0x1",
    "127.8.8.8",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
]
NETWORKS = [
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fc00::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[2001::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[4000::1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[::ffff:169.254.169.254]",
    "[2002:a00:1::1]",
    "[2002:808:808::1]",
]


@pytest.fixture
def house(street: Street) -> House:
    return street.house(b"HTTP/1.1 200 -\r\nContent-Length: 7\r\n\r\nsecrets")


@pytest.mark.parametrize("host", [*NUMBERS, *NETWORKS])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_number_of_an_address_inside_is_refused_before_a_connection(
    street: Street, house: House, scheme: str, host: str
) -> None:
    url = f"{scheme}://{host}:{house.port}/"
    # "not an address" and "leads nowhere" are as good: what matters is that nothing was opened.
    with pytest.raises(NotFetched):
        street.fetch(url)
    assert house.visitors() == 0
    with pytest.raises(Refused):
        check_address(url)


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]"])
def test_plain_client_would_have_connected(street: Street, house: House, spelling: str) -> None:
    """The control: a reader of texts sees no address of this machine here, yet that is where it leads."""

    async def plain() -> bytes:
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://{spelling}:{house.port}/")).content

    assert street.run(plain()) == b"secrets"
    assert house.visitors() == 1


NAMES = [
    "inside.example",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "xn--bcher-kva.example",
    "a.b.c.inside.example",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1%1"])
def test_name_that_leads_inside_is_refused_by_where_it_leads(
    street: Street, house: House, name: str, ip: str
) -> None:
    with pytest.raises(Refused, match="not on the public internet"):
        street.fetch(f"https://{name}:{house.port}/", resolve=lambda _host, _port: [ip])
    assert house.visitors() == 0


TRICKS = [
    "https://shop.example@127.0.0.1:{port}/",
    "https://user:password@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@shop.example/",
    "https://shop.example\\.127.0.0.1:{port}/",
    "https:\\\\127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@shop.example/",
    "https://127.0.0.1:{port}?@shop.example/",
    "https://１２７.０.０.１:{port}/",
    "https://127。0。0。1:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://127.0.0.1%2f.shop.example:{port}/",
    "https://127.0.0.1\t:{port}/",
    "https://127.0.0.1\r\n:{port}/",
    " https://127.0.0.1:{port}/",
    "https://%31%32%37.0.0.1:{port}/",
    "https://[::1",
    "https://[::1]]:{port}/",
    "https:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "/",
    "",
    "https://",
    "https:///127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "data:image/png;base64,AAAA",
    "https://127.0.0.1:0/",
    "https://127.0.0.1:99999/",
    "https://127.0.0.1:{port}/" + "a" * 5000,
    "https://" + "a" * 300 + ":{port}/",
    "https://a..b:{port}/",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_trick_with_an_address_is_refused_before_a_connection(
    street: Street, house: House, trick: str
) -> None:
    url = trick.replace("{port}", str(house.port))
    with pytest.raises(NotFetched):
        street.fetch(url)
    assert house.visitors() == 0
    with pytest.raises(Refused):
        check_address(url)


INSIDE_V4 = st.one_of(
    *(
        st.ip_addresses(v=4, network=network)
        for network in ("127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
    )
)


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """An address inside in one of the many ways that inet_aton() and inet_pton() read."""
    address: IPv4Address = draw(INSIDE_V4)
    if draw(st.booleans()):
        prefix = draw(st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "2002::", "64:ff9b:1::"]))
        shift = 80 if prefix == "2002::" else 0
        whole = IPv6Address(int(IPv6Address(prefix)) | int(address) << shift)
        text = draw(st.sampled_from([whole.compressed, whole.exploded, whole.exploded.upper()]))
        return f"[{text}]"
    parts = list(address.packed[: draw(st.integers(0, 3))])
    rest = int.from_bytes(address.packed[len(parts) :], "big")
    ways = [draw(st.sampled_from(["{:d}", "{:#x}", "0{:o}", "0x{:08X}", "00{:o}"])) for _ in [*parts, rest]]
    return ".".join(way.format(value) for way, value in zip(ways, [*parts, rest], strict=True))


@settings(max_examples=scale.count(150, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=spelled())
@example(host="0177.0.0.1")
def test_no_spelling_of_an_address_inside_gets_through(street: Street, host: str) -> None:
    with pytest.raises(NotFetched):  # and not SocketShutError, which a connection to it would raise here
        street.fetch(f"https://{host}/")


@pytest.mark.parametrize(
    "ip",
    [
        "8.8.8.8",
        "100.63.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_public_address_is_allowed(ip: str) -> None:
    check_address("https://shop.example/", resolve=lambda _host, _port: [ip])
