"""Health: whether this process answers, and whether what it stands on does. No secrets in either."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from config import database


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as soon as the shop is open; touches no database, so an outage does not get processes killed."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200, or 503 while requests had better go elsewhere."""
    try:
        database.reach()
    except database.Unreachable:
        return JsonResponse({"database": "unreachable"}, status=503)
    return JsonResponse({"database": "ok"})
