"""Typed readers of the environment. A bad value stops the boot, naming the variable and the cure."""

import contextlib
import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from accounts.hosts import clean_host

T = TypeVar("T")

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}


def text(name: str, default: str = "") -> str:
    """The variable, or what stands in the file that NAME_FILE names (for secrets), stripped."""
    file_name = os.environ.get(f"{name}_FILE")
    if file_name:
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE={file_name}: cannot be read ({error}).") from error
    return os.environ.get(name, default).strip()


def _parsed(name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
    raw = text(name)
    if not raw:
        return default
    try:
        return parse(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected {expected}.") from None


def flag(name: str, default: bool) -> bool:
    def parse(raw: str) -> bool:
        word = raw.lower()
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise ValueError
        return word in TRUE_WORDS

    return _parsed(name, default, parse, "1 or 0")


def integer(name: str, default: int, minimum: int, maximum: int) -> int:
    def parse(raw: str) -> int:
        value = int(raw)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return _parsed(name, default, parse, f"a whole number from {minimum} to {maximum}")


def seconds(name: str, default: float, minimum: float, maximum: float) -> float:
    def parse(raw: str) -> float:
        value = float(raw)
        if not minimum <= value <= maximum:  # also refuses NaN
            raise ValueError
        return value

    return _parsed(name, default, parse, f"seconds from {minimum:g} to {maximum:g}")


def word(name: str, default: str, allowed: tuple[str, ...]) -> str:
    def parse(raw: str) -> str:
        if raw not in allowed:
            raise ValueError
        return raw

    return _parsed(name, default, parse, " or ".join(allowed))


def networks(name: str) -> list[str]:
    """Addresses and networks, by commas."""

    def parse(raw: str) -> list[str]:
        listed = [part.strip() for part in raw.split(",") if part.strip()]
        for entry in listed:
            ipaddress.ip_network(entry, strict=False)
        return listed

    return _parsed(name, [], parse, "addresses or networks such as 10.0.0.0/8, separated by commas")


def inside_networks(name: str) -> list[str]:
    """The same, none of which may be reached from the internet."""

    def parse(raw: str) -> list[str]:
        listed = [part.strip() for part in raw.split(",") if part.strip()]
        if not all(ipaddress.ip_network(entry, strict=False).is_private for entry in listed):
            raise ValueError
        return listed

    return _parsed(name, [], parse, "private addresses or networks such as 10.0.0.0/8, separated by commas")


def token(name: str) -> str:
    """A secret of at least 32 characters, or ""."""
    given = text(name)
    if given and len(given) < 32:
        raise ImproperlyConfigured(f"{name}: too short, use at least 32 characters.")
    return given


def installed_for(wanted: str, name: str, module: str, extra: str) -> None:
    """What `wanted`, the value of the variable `name`, needs may be missing: `extra` is the list that has it."""
    if wanted and (find_spec(module.partition(".")[0]) is None or find_spec(module) is None):
        raise ImproperlyConfigured(
            f"{name}: what it needs is not installed; pip install --require-hashes -r requirements/{extra}.txt."
        )


def pairs(name: str) -> dict[str, str]:
    """`name=value`, by commas. A bad one is not repeated: it may hold a token."""
    listed = [part.strip() for part in text(name).split(",") if part.strip()]
    if not all(re.fullmatch(r"[\w-]+=\S.*", part) for part in listed):
        raise ImproperlyConfigured(f"{name}: expected name=value, separated by commas.")
    return {key: value for key, _, value in (part.partition("=") for part in listed)}


def emails(name: str) -> list[str]:
    """Addresses, by commas."""

    def parse(raw: str) -> list[str]:
        listed = [part.strip() for part in raw.split(",") if part.strip()]
        for entry in listed:
            try:
                validate_email(entry)
            except ValidationError:
                raise ValueError from None
        return listed

    return _parsed(name, [], parse, "e-mail addresses, separated by commas")


def domains(name: str, default: str = "") -> list[str]:
    """Domains of e-mail addresses, by commas or lines, in small letters; what follows a # is a comment."""

    def parse(raw: str) -> list[str]:
        lines = [line.partition("#")[0] for line in raw.lower().splitlines()]
        listed = [part.strip(" ,@.") for part in re.split(r"[\s,]+", " ".join(lines)) if part.strip(" ,@.")]
        for entry in listed:
            try:
                validate_email(f"somebody@{entry}")
            except ValidationError:
                raise ValueError from None
        return listed

    return _parsed(name, parse(default), parse, "domains such as example.org, separated by commas or lines")


def hosts(name: str) -> list[str]:
    """Host names without ports, by commas, as hosts.clean_host writes them."""

    def parse(raw: str) -> list[str]:
        found = [clean_host(part) for part in raw.split(",") if part.strip()]
        if None in found:
            raise ValueError
        return [host for host in found if host is not None]

    return _parsed(name, [], parse, "host names such as shop.example, separated by commas")


def origins(name: str) -> frozenset[tuple[str, str, int]]:
    """Scheme, host and port of each, by commas; nothing may follow, and none stands for others as well."""

    def parse(raw: str) -> frozenset[tuple[str, str, int]]:
        return frozenset(_origin(part.strip()) for part in raw.split(",") if part.strip())

    example = "http://gpu.internal:30000"
    return _parsed(name, frozenset(), parse, f"scheme, host and port such as {example}, separated by commas")


def _origin(text: str) -> tuple[str, str, int]:
    """Raises ValueError."""
    parts = urlsplit(text)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and "?" not in text and "#" not in text and "@" not in text
    is_host = clean_host(f"[{host}]" if ":" in host else host) is not None
    if parts.port == 0 or not port or not is_bare or not is_host:
        raise ValueError
    return parts.scheme, host, port


def address(name: str, default: str, schemes: tuple[str, ...], example: str) -> SplitResult | None:
    """A URL with one of `schemes`, a host and a sane port; None when it is absent and `default` empty.

    A bad one is not repeated: it may hold a password.
    """
    raw = text(name) or default
    if not raw:
        return None
    try:
        parts = urlsplit(raw)
        is_sane = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_sane = False
    if not is_sane or any(character.isspace() for character in raw):
        raise ImproperlyConfigured(f"{name}: expected an address such as {example}.")
    return parts


def kept_secret(name: str, folder: Path) -> str:
    """The variable or its file; else a secret made at the first start and kept in `folder` (mode 0600)."""
    given = text(name)
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured(f"{name}: too short, use at least 32 characters.")
        return given
    path = folder / name.lower()
    try:
        for part in (folder.parent, folder):  # sessions and prompts are nobody else's business either
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _write_whole(path, secrets.token_urlsafe(48))
        return _read_secret(path, name)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR: {path} cannot be written ({error.strerror}). Name a writable folder: DATA_DIR=/path."
        ) from error


def kept_secrets(name: str, folder: Path) -> list[str]:
    """The same for one that is being replaced: several, separated by commas, each long enough."""
    listed = [part.strip() for part in kept_secret(name, folder).split(",")]
    if any(len(part) < 32 for part in listed):
        raise ImproperlyConfigured(f"{name}: too short, use at least 32 characters for each key.")
    return listed


def _write_whole(path: Path, value: str) -> None:
    """The file appears with all of its content, or not at all; whoever was first wins."""
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(value)
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        os.unlink(unfinished)


def _read_secret(path: Path, name: str) -> str:
    value = path.read_text(encoding="ascii").strip()
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name}: {path} is empty or cut short; restore it from a backup.")
    return value
