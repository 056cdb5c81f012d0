"""`/metrics`, in Prometheus' words. There is nothing there for anybody but whom settings name."""

import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from accounts.addresses import is_listed
from config.watching import figures

# A proxy in front forwards what strangers ask for, and its own address is one inside.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if request.method != "GET" or not may_read(request):
        raise Http404
    # What it takes is loaded only where it is wanted.
    from config.watching import exposition  # noqa: PLC0415

    text, content_type = exposition.write(figures.now())
    return HttpResponse(text, content_type=content_type)


def may_read(request: HttpRequest) -> bool:
    """By the token; or straight from one of the networks, which no proxy has come in between."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    token: str = settings.METRICS_TOKEN
    if token and kind == "Bearer" and secrets.compare_digest(sent.encode(), token.encode()):
        return True
    if any(name in request.META for name in FORWARDED):
        return False
    return is_listed(str(request.META.get("REMOTE_ADDR", "")), settings.METRICS_NETWORKS)
