"""The languages of the shop's words, and which of them an answer is in.

A page for anybody has an address in each language, English the bare one (`/pricing/`, `/de/pricing/`), so that it can
be found and linked. Every other page is in the language that the visitor chose, else in their browser's, else in the
shop's first. A shop may offer fewer of them: then only these have addresses, and the others lead to the first. Programs
get English.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts import shops
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


def offered(request: HttpRequest) -> tuple[str, ...]:
    """Those of the shop that is asked, its first choice first; all where none is, as by health checks."""
    shop_id: int | None = getattr(request, "shop_id", None)
    listed = () if shop_id is None else shops.facts_of(shop_id).languages
    return tuple(code for code in listed if code in NAMES) or tuple(NAMES)


def of(request: HttpRequest) -> str:
    """What the answer to this request is in."""
    if is_api(request):
        return ENGLISH
    language = of_address(request.path_info)
    return _wished(request) if language is None or language not in offered(request) else language


def instead(request: HttpRequest) -> str | None:
    """Where an address leads whose language the shop does not offer; None for every other."""
    if request.method not in ("GET", "HEAD") or is_api(request):
        return None
    language, known, path = of_address(request.path_info), offered(request), request.get_full_path()
    if language is None:
        return None
    if language in known:
        # The bare address is English; who only names a shop that speaks another language first did not ask for that.
        is_name_alone = request.path_info == "/" and known[0] != ENGLISH
        there = translated(path, _wished(request)) if is_name_alone else path
    else:
        there = translated(path, known[0])
    return there if there != path else None  # also no page at all, in any language


def _wished(request: HttpRequest) -> str:
    """What they chose, else what their browser asks for, of what there is."""
    known = offered(request)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen in known:
        return chosen
    for wanted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        with suppress(LookupError, ValueError):
            found = get_supported_language_variant(wanted)
            if found in known:
                return found
    return known[0]


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


def alternates(address: str, path: str, known: Sequence[str] = tuple(NAMES)) -> list[tuple[str, str]]:
    """(language as a tag, absolute address) of a page for anybody, for each of the `known` languages; [] for other
    pages. `address`: of the shop.
    """
    if not _BARE.fullmatch(translated(path, ENGLISH)):
        return []
    return [(TAGS.get(code, code), address + translated(path, code)) for code in known]
