"""What search engines are told: which pages are for anybody, and where each is in every language."""

from xml.sax.saxutils import escape, quoteattr

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import override
from django.views.decorators.http import require_safe

from accounts.shops import here
from config import languages
from config.docs.pages import PAGES

LIFE_S = 3600
# All else is closed, also what will be built one day. The longest that fits decides (RFC 9309); $ is the end.
OPEN = (
    "/$",
    "/pricing/",
    "/docs/",
    *(f"/{prefix}/" for prefix in languages.PREFIXES.values()),
    *("/static/", "/accent/", "/logo/", "/card/", "/samples/", "/favicon.ico"),
)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        "Disallow: /",
        *(f"Allow: {path}" for path in OPEN),
        "",
        f"Sitemap: {here(request, reverse('sitemap'))}",
    ]
    return _kept("\n".join(lines) + "\n", "text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every page for anybody in each language, with its sisters."""
    entries = []
    for path in public_paths():
        sisters = languages.alternates(here(request), path, languages.offered(request))
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang={quoteattr(tag)} href={quoteattr(address)}/>'
            for tag, address in [*sisters, ("x-default", sisters[0][1])]
        )
        entries += [f"<url><loc>{escape(address)}</loc>{links}</url>" for _tag, address in sisters]
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
    )
    return _kept(head + "\n".join(entries) + "\n</urlset>\n", "application/xml; charset=utf-8")


def public_paths() -> list[str]:
    """In English, whose addresses are bare."""
    with override(languages.ENGLISH):
        return [reverse("landing"), reverse("pricing"), *(page.address for page in PAGES)]


def _kept(text: str, content_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    patch_cache_control(response, public=True, max_age=LIFE_S)
    return response
