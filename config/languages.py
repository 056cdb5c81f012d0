"""The languages of the shop's words, and which of them an answer is in.

A page for anybody has an address in each language, English the bare one (`/pricing/`, `/de/pricing/`), so that it can
be found and linked. Every other page is in the language that the visitor chose, else in their browser's. Programs get
English.
"""

import re
from typing import Final

from django.http import HttpRequest
from django.utils.translation import get_language, get_language_from_request

from config.api import is_api

ENGLISH: Final = "en"
# Language -> how its addresses begin; English has none.
PREFIXES: Final = {"de": "de", "zh-hans": "zh"}
# As each is called by those who speak it.
NAMES: Final = {ENGLISH: "English", "de": "Deutsch", "zh-hans": "简体中文"}
# How the words of a page are marked for browsers and search engines.
TAGS: Final = {"zh-hans": "zh-Hans"}

_LANGUAGES = {prefix: language for language, prefix in PREFIXES.items()}
_PREFIXED = re.compile(rf"/({'|'.join(_LANGUAGES)})(/.*)?", re.DOTALL)
# What has an address in each language; where the documentation of an error lies is told to programs, and has one.
_BARE = re.compile(r"/(pricing/?|docs(/(?!errors/.).*)?)?", re.DOTALL)


class InEachLanguage:
    """A pattern of addresses that begin as the active language's do. Django's own, i18n_patterns, takes its codes for
    prefixes, and the bare address of any page for English.
    """

    converters: Final = dict[str, object]()

    @property
    def regex(self) -> re.Pattern[str]:
        return re.compile(re.escape(str(self)))

    def match(self, path: str) -> tuple[str, tuple[()], dict[str, object]] | None:
        prefix = str(self)
        return (path.removeprefix(prefix), (), {}) if path.startswith(prefix) else None

    def check(self) -> list[object]:
        return []

    def describe(self) -> str:
        return f"{str(self)!r}"

    def __str__(self) -> str:
        prefix = PREFIXES.get(get_language() or ENGLISH)
        return f"{prefix}/" if prefix else ""


def of(request: HttpRequest) -> str:
    """What the answer to this request is in."""
    if is_api(request):
        return ENGLISH
    return of_address(request.path_info) or get_language_from_request(request)


def of_address(path: str) -> str | None:
    """None: the address is the same in every language."""
    prefixed = _PREFIXED.fullmatch(path)
    if prefixed:
        return _LANGUAGES[prefixed[1]]
    return ENGLISH if _BARE.fullmatch(path) else None


def translated(path: str, language: str) -> str:
    """The address of the same page in `language`, with its query; unchanged where there is but one."""
    path, mark, query = path.partition("?")
    prefixed = _PREFIXED.fullmatch(path)
    bare = (prefixed[2] or "/") if prefixed else path
    if _BARE.fullmatch(bare):
        prefix = PREFIXES.get(language)
        path = f"/{prefix}{bare}" if prefix else bare
    return path + mark + query


def alternates(address: str, path: str) -> list[tuple[str, str]]:
    """(language as a tag, absolute address) of a page for anybody, for each language; [] for other pages.
    `address`: of the shop.
    """
    if not _BARE.fullmatch(translated(path, ENGLISH)):
        return []
    return [(TAGS.get(code, code), address + translated(path, code)) for code in NAMES]
