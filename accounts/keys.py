"""API keys as text: `tt_live_` or `tt_test_`, 30 random characters, 6 of checksum. Pure functions.

The checksum lets a mistyped or truncated key be refused without asking the database, and lets secret
scanners recognise a real one.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 30
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 12
_SHAPE = re.compile(r"tt_(live|test)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class ParsedKey:
    livemode: bool
    prefix: str
    digest: str


def checksum(secret: str) -> str:
    """CRC32 of the 30 characters in base 62, most significant first, left-padded with `0` to 6."""
    number = zlib.crc32(secret.encode("ascii"))
    text = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        text = ALPHABET[digit] + text
    return text.rjust(CHECKSUM_LENGTH, "0")


def mint(*, livemode: bool) -> str:
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return f"tt_{'live' if livemode else 'test'}_{secret}{checksum(secret)}"


def digest(text: str) -> str:
    """SHA-256 in hex: what is stored. The key has 178 bits of chance, so no slow hash is needed."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def parse(text: str) -> ParsedKey | None:
    """None unless the text has a key's shape and its checksum is right."""
    match = _SHAPE.fullmatch(text)
    if match is None or checksum(match[2]) != match[3]:
        return None
    return ParsedKey(livemode=match[1] == "live", prefix=text[:SHOWN_LENGTH], digest=digest(text))
