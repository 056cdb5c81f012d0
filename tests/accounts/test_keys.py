"""The text of an API key: its shape, its checksum, and what is stored of it."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def crc32_bit_by_bit(data: bytes) -> int:
    """IEEE 802.3, reflected: written from its definition, not by the library that the product uses."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def in_base_62(number: int) -> str:
    return "".join(ALPHABET[number // 62**place % 62] for place in range(5, -1, -1))


def test_checksum_is_the_one_that_was_worked_out_by_hand() -> None:
    # CRC32 of thirty zeros is 0x77E5DB82 = 2011552642 = 2·62⁵ + 12·62⁴ + 8·62³ + 16·62² + 45·62 + 28.
    assert keys.checksum("0" * 30) == "2C8GjS"


def test_the_other_reckoning_is_that_of_the_specification() -> None:
    assert crc32_bit_by_bit(b"123456789") == 0xCBF43926  # its published check value


@given(st.text(ALPHABET, min_size=30, max_size=30))
def test_checksum_agrees_with_another_reckoning(secret: str) -> None:
    assert keys.checksum(secret) == in_base_62(crc32_bit_by_bit(secret.encode()))


def test_small_checksum_is_padded_with_zeros() -> None:
    secrets = (f"{number:030}" for number in range(2000))
    small = next(secret for secret in secrets if crc32_bit_by_bit(secret.encode()) < 62**5)
    assert keys.checksum(small).startswith("0")
    assert len(keys.checksum(small)) == 6


@pytest.mark.parametrize("livemode", [True, False])
def test_new_key_has_the_documented_shape(livemode: bool) -> None:
    text = keys.mint(livemode=livemode)
    assert re.fullmatch(rf"tt_{'live' if livemode else 'test'}_[0-9A-Za-z]{{36}}", text)
    parsed = keys.parse(text)
    assert parsed == keys.ParsedKey(livemode, text[:12], hashlib.sha256(text.encode()).hexdigest())


def test_no_two_new_keys_are_alike() -> None:
    assert len({keys.mint(livemode=True) for _ in range(1000)}) == 1000


def test_every_single_wrong_character_is_noticed() -> None:
    text = keys.mint(livemode=True)
    for place in range(8, len(text)):
        other = "a" if text[place] != "a" else "b"
        assert keys.parse(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("change", ["{}0", " {}", "{} ", "{}\n", "x{}"])
def test_anything_around_a_key_makes_it_none(change: str) -> None:
    assert keys.parse(change.format(keys.mint(livemode=True))) is None


@given(st.text())
def test_no_text_upsets_the_parser(text: str) -> None:
    assert keys.parse(text) is None
    assert keys.parse(f"tt_live_{text}") is None


def test_mode_in_the_text_is_part_of_what_is_stored() -> None:
    live = keys.mint(livemode=True)
    parsed = keys.parse(live.replace("tt_live_", "tt_test_"))
    assert parsed is not None
    assert parsed.digest != keys.digest(live)
