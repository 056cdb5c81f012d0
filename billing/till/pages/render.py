"""Django's templates without a shop behind them: escaped, and in the reader's language."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.template.loader import get_template
from django.utils import translation
from django.utils.encoding import iri_to_uri
from django.utils.functional import Promise
from django.utils.translation.trans_real import parse_accept_lang_header

from billing.till.http import Reply, Request
from billing.till.problems import Body
from billing.till.till import Till

ROOT = Path(__file__).resolve().parents[3]
LOCALE = ROOT / "locale"
STATIC = ROOT / "static"
ASSETS = {
    "palette.css": (STATIC / "css" / "palette.css", "text/css; charset=utf-8"),
    "till.css": (STATIC / "css" / "till.css", "text/css; charset=utf-8"),
    "favicon.svg": (STATIC / "img" / "favicon.svg", "image/svg+xml"),
}
NAMES = {"en": "English", "de": "Deutsch", "zh-hans": "简体中文"}
SELF = "'self'"
# Stripe's names of locales, where they are not ours.
LOCALES = {"zh": "zh-hans"}


def configure() -> None:
    """Django as a template engine. Of this process alone: the shop has its own settings."""
    there = {folder.name.lower().replace("_", "-") for folder in LOCALE.glob("*")}
    settings.configure(
        LANGUAGE_CODE="en",
        LANGUAGES=[(code, name) for code, name in NAMES.items() if code == "en" or code in there],
        LOCALE_PATHS=[LOCALE],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [ROOT / "templates"]}
        ],
        TIME_ZONE="UTC",
        USE_TZ=True,
    )
    django.setup()


@dataclass
class Visit:
    """A request for a page, of the account that `till` is; `form` is filled for a POST."""

    till: Till
    request: Request
    form: dict[str, str] = field(default_factory=dict)
    shops: Callable[[], list[tuple[str, str]]] = field(default=list, repr=False)

    def language(self) -> AbstractContextManager[None]:
        for code, _quality in parse_accept_lang_header(self.request.headers.get("accept-language", "")):
            if code != "*":
                try:
                    return translation.override(translation.get_supported_language_variant(code))
                except LookupError:
                    continue
        return translation.override("en")


def speak(locale: str | None) -> None:
    """The rest of this page in the language that the shop asked for, if the till has it."""
    if locale not in (None, "auto"):
        code = LOCALES.get(str(locale), str(locale).lower())
        if code in dict(settings.LANGUAGES):
            translation.activate(code)


def page(
    visit: Visit, template: str, context: Body, *, status: int = 200, leads_to: tuple[str | None, ...] = ()
) -> Reply:
    """`leads_to`: where its forms may end up; browsers count redirects after a form as part of it."""
    origins = sorted({f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in leads_to if url})
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    policy += f"; form-action {' '.join([SELF, *origins])}"
    till = visit.till
    common = {
        "desk": f"{till.settings.public_url}{till.desk_path}",
        "desk_path": till.desk_path,
        "shop_name": till.store.shop_name(),
    }
    text = get_template(f"till/{template}").render(common | context)
    return Reply(status, text.encode(), {"Content-Type": "text/html; charset=utf-8", **_guards(policy)})


def problem_page(visit: Visit, status: int, message: str | Promise) -> Reply:
    return page(visit, "problem.html", {"message": str(message)}, status=status)


def redirect(url: str) -> Reply:
    return Reply(303, b"", {"Location": iri_to_uri(url), **_guards("default-src 'none'")})


def asset(visit: Visit, name: str) -> Reply:
    path, kind = ASSETS[name]
    headers = {"Content-Type": kind, **_guards("default-src 'none'"), "Cache-Control": "max-age=300"}
    return Reply(200, path.read_bytes(), headers)


def document(content: bytes, kind: str, file_name: str) -> Reply:
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{file_name}"'}
    return Reply(200, content, headers | _guards("default-src 'none'"))


def moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _guards(policy: str) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",  # with "no-referrer" browsers send forms from nowhere
        "X-Content-Type-Options": "nosniff",
    }
