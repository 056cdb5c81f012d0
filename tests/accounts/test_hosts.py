"""Host names: however a client writes one, it is the same, and nothing that it may write breaks anything."""

import pytest
from django.http.request import host_validation_re
from hypothesis import given
from hypothesis import strategies as st

from accounts.hosts import MOST_SIGNS, NOBODY, as_header, clean_host, shown_host

MUNICH = "xn--mnchen-3ya.example"
LABELS = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.sampled_from(["", ":", ":80", ":8000", ":65535", ":x", ":80:80"])
ANYTHING = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")),
    st.builds(str.__add__, NAMES, PORTS),
    st.builds("xn--{}".format, st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-.", max_size=60)),
    st.builds("[{}]{}".format, st.text(alphabet="0123456789abcdefABCDEF:.%", max_size=50), PORTS),
    st.text(alphabet="。．｡.ａxn-ßſİıK\u200d\u00ad１:[]@/?#\x00 \u2028", max_size=40),
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("shop.example", "shop.example"),
        ("SHOP.Example:8000", "shop.example"),
        ("shop.example.", "shop.example"),
        (" shop.example:443 ", "shop.example"),
        ("shop.example.:443", "shop.example"),
        ("shop.example:", "shop.example"),
        ("my_shop.internal", "my_shop.internal"),
        ("münchen.example", MUNICH),
        ("MÜNCHEN.example:443", MUNICH),
        ("münchen.example".encode().decode("latin-1"), MUNICH),  # as servers hand raw bytes over
        ("MÜNCHEN.EXAMPLE".encode().decode("latin-1"), MUNICH),
        ("XN--Mnchen-3ya.Example", MUNICH),
        ("münchen。example", MUNICH),
        ("münchen．example｡", MUNICH),
        ("ｓｈｏｐ.example", "shop.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("192.0.2.1:8000", "192.0.2.1"),
        ("１９２.0.2.1", "192.0.2.1"),
        ("[::1]:8000", "[::1]"),
        ("[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]"),
    ],
)
def test_one_host_is_one_however_it_is_written(written: str, kept: str) -> None:
    assert clean_host(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        ".",
        ":8000",
        "shop..example",
        ".shop.example",
        "shop.example..",
        "shop example",
        "shop\x00.example",
        "shop.example\r\nX-Evil: 1",
        "shop.example/path",
        "somebody@shop.example",
        "a.example,b.example",
        "::1",
        "[::1",
        "[shop.example]",
        "[::1]]",
        "[fe80::1%25eth0]",
        "shop.example:80:80",
        "shop.example：80",
        "xn--a.example",
        "xn--shop-.example",
        "xn--0.example",
        "a" * 64 + ".example",
        "a." * 127 + "example",
        "ü" * 500,
        "a" * 10_000,
        "\udc80.example",
        "sh\u200dop.example",
    ],
)
def test_what_names_no_host_is_none(written: str) -> None:
    assert clean_host(written) is None


@given(ANYTHING)
def test_whatever_is_written_gives_a_name_that_stays_as_it_is_or_none(text: str) -> None:
    host = clean_host(text)
    assert host is None or (clean_host(host) == host and host.isascii() and host == host.lower())


@given(ANYTHING)
def test_django_reads_what_we_hand_it_and_finds_the_same_host(text: str) -> None:
    header = as_header(text)
    assert host_validation_re.match(header)
    host = clean_host(text)
    assert clean_host(header) == (NOBODY if host is None or "_" in host else host)


@given(ANYTHING)
def test_whatever_is_kept_can_be_shown(text: str) -> None:
    host = clean_host(text)
    if host is not None:
        assert clean_host(shown_host(host)) == host


def test_names_without_end_are_not_even_looked_at() -> None:
    assert clean_host("a." * MOST_SIGNS) is None
