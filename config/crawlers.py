"""What search engines are told of a shop: which pages are for anybody, in each of its languages."""

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import override
from django.views.decorators.http import require_safe

from accounts.shops import here
from config import languages
from config.docs.pages import PAGES

LIFE_S: Final = 3600
# What needs an account, or is a picture that somebody may look at with the link alone.
NOT_FOR_THEM: Final = ("/account/", "/admin/", "/api/", "/i/", "/mails/", "/v1/")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_THEM)]
    lines.append(f"Sitemap: {here(request, reverse('sitemap'))}")
    return _kept("\n".join(lines) + "\n", "text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    with override(languages.ENGLISH):  # whose addresses are the bare ones
        paths = [reverse("landing"), reverse("pricing"), *(page.address for page in PAGES)]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">',
    ]
    for path in paths:
        found = languages.alternates(here(request), path, languages.offered(request))
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang={quoteattr(tag)} href={quoteattr(address)}/>'
            for tag, address in found
        )
        lines += [f"<url><loc>{escape(address)}</loc>{links}</url>" for _tag, address in found]
    return _kept("\n".join([*lines, "</urlset>"]) + "\n", "application/xml; charset=utf-8")


def _kept(text: str, content_type: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    patch_cache_control(response, public=True, max_age=LIFE_S)
    return response
