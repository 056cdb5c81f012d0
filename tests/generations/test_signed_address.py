import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_django import Settings

from generations.storage import BadAddress, SignedName, link_expiry, read_address, signed_path, signed_url

NOW = datetime.datetime(2026, 11, 22, 18, 0, tzinfo=datetime.UTC)
EXPIRY = int(NOW.timestamp()) + 60
IMAGE = "img_01JD8Z5N4T8Q2M6V7R3K9W1XYB"


def parts(path: str) -> tuple[str, str, str]:
    address = urlsplit(path)
    query = parse_qs(address.query)
    return address.path.removeprefix("/i/"), query["e"][0], query["s"][0]


@pytest.mark.parametrize("extension", ["jpeg", "png", "webp", "thumb.webp"])
def test_signed_address_opens_what_it_names(extension: str) -> None:
    path = signed_path(IMAGE, extension, EXPIRY)
    assert path.startswith(f"/i/{IMAGE}.{extension}?e={EXPIRY}&s=")
    assert read_address(*parts(path)) == SignedName(IMAGE, extension, EXPIRY)


def test_url_starts_with_the_shops_address(db: None, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    assert signed_url("https://shop.example", IMAGE, "png", EXPIRY) == "https://shop.example" + signed_path(
        IMAGE, "png", EXPIRY
    )


def test_link_lives_as_long_as_the_setting_says(settings: Settings) -> None:
    settings.IMAGE_LINK_SECONDS = 100
    assert link_expiry(NOW) == int(NOW.timestamp()) + 100


def test_address_signed_with_another_secret_does_not_open(settings: Settings) -> None:
    address = parts(signed_path(IMAGE, "png", EXPIRY))
    settings.SECRET_KEY = "another"
    with pytest.raises(BadAddress):
        read_address(*address)


@pytest.mark.parametrize("extension", ["gif", "html", "thumb.png", "", "png/..", "png\n"])
def test_only_image_names_are_signed(extension: str) -> None:
    with pytest.raises(ValueError, match="can be signed"):
        signed_path(IMAGE, extension, EXPIRY)


NAMES = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"img_[A-Za-z0-9]{1,26}\.(jpeg|png|webp|thumb\.webp)", fullmatch=True),
    st.sampled_from(
        [f"{IMAGE}.jpeg", f"{IMAGE}.thumb.webp", f"{IMAGE}.PNG", f"{IMAGE}.png ", f"{IMAGE}.png\n"]
    ),
)
EXPIRIES = st.one_of(
    st.text(max_size=20),
    st.integers(-(10**13), 10**13).map(str),
    st.sampled_from(
        [f"0{EXPIRY}", f"+{EXPIRY}", f"{EXPIRY} ", f"{EXPIRY}.0", f"{EXPIRY}\n", "1_000", "٣", "9" * 5000]
    ),
)
SIGNATURES = st.one_of(st.text(max_size=80), st.from_regex(r"[0-9a-f]{64}", fullmatch=True))


@given(name=st.none() | NAMES, expiry=st.none() | EXPIRIES, signature=st.none() | SIGNATURES)
def test_altered_address_never_opens(name: str | None, expiry: str | None, signature: str | None) -> None:
    good = parts(signed_path(IMAGE, "png", EXPIRY))
    altered = (
        good[0] if name is None else name,
        good[1] if expiry is None else expiry,
        good[2] if signature is None else signature,
    )
    assume(altered != good)
    with pytest.raises(BadAddress):
        read_address(*altered)


@given(at=st.integers(0, 63), character=st.characters())
def test_signature_with_one_other_character_never_opens(at: int, character: str) -> None:
    name, expiry, signature = parts(signed_path(IMAGE, "png", EXPIRY))
    altered = signature[:at] + character + signature[at + 1 :]
    assume(altered != signature)
    with pytest.raises(BadAddress):
        read_address(name, expiry, altered)
