"""`GET /domains/ask?domain=…`: for proxies that fetch a certificate when a name is first asked for, if it is ours.

Without it anybody could point any name at us and have certificates fetched until the authority gives us no more.
"""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import shops
from accounts.addresses import is_listed
from accounts.gcra import Ask, Bucket, Rate
from accounts.hosts import clean_host
from accounts.throttling import limiter

MOST_LETTERS: Final = 255
LOOPBACK: Final = ("127.0.0.0/8", "::1")
# Apart, so that made-up names keep no shop from its certificate.
KNOWN = Rate("domain_known", per_minute=30, burst=30)
UNKNOWN = Rate("domain_unknown", per_minute=60, burst=60)


@never_cache
@require_safe
def ask(request: HttpRequest) -> HttpResponse:
    """200 for an active domain of a shop that is open, 404 for every other and for everybody but the proxy itself, 429
    for too many. No name costs a query.
    """
    domain = request.GET.get("domain", "")
    if not _is_the_proxy(request) or len(domain) > MOST_LETTERS:
        return _plain("no\n", 404)
    is_ours = shops.is_known(domain)
    # Known names are few, so each may have a count of its own; made-up ones are without end, and share one.
    bucket = Bucket(clean_host(domain) or "", KNOWN) if is_ours else Bucket("all", UNKNOWN)
    decision = limiter().take(Ask((bucket,)))
    if not decision.allowed:
        response = _plain("later\n", 429)
        response["Retry-After"] = str(decision.retry_after_s)
        return response
    return _plain("yes\n", 200) if is_ours else _plain("no\n", 404)


def _is_the_proxy(request: HttpRequest) -> bool:
    """It asks for itself, from where it is trusted: what it forwards is somebody else's question."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    return is_listed(request.META.get("REMOTE_ADDR", ""), [*LOOPBACK, *settings.TRUSTED_PROXIES])


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, "text/plain; charset=utf-8", status)
