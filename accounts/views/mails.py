"""The mails of a demo, for whoever sits at the machine on which it runs.

Links in them open accounts, and nobody is asked who they are, since mail is what somebody needs who has no account
yet. So everything that could be a way for others to come here closes it: a public address, a mail server, trusted
proxies (settings.MAILS_PAGE); a request that did not come from this machine or was forwarded by anything; a Host that
is not this machine's, with which a page from elsewhere could read it through the browser. Those that end with
.localhost are always this machine's, so shops may be tried under such names; the mails are those of all shops.
"""

import ipaddress

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.mail import files

SHOWN = 50
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
HOSTS = {"localhost", "127.0.0.1", "[::1]"}
BELOW = ".localhost"


@require_safe
@never_cache
def newest(request: HttpRequest) -> HttpResponse:
    require_this_machine(request)
    return render(request, "accounts/mails.html", {"mails": files.newest(SHOWN)})


@require_safe
@never_cache
def show(request: HttpRequest, name: str) -> HttpResponse:
    require_this_machine(request)
    mail = files.read(name)
    if mail is None:
        raise Http404
    return render(request, "accounts/mail.html", {"mail": mail})


def address_for(request: HttpRequest) -> str:
    """Where whoever asks finds them; "" where there is no such page."""
    if not settings.MAILS_PAGE:
        return ""
    path = reverse("mails")
    return path if _is_ours(request) else f"{settings.PUBLIC_URL}{path}"


def require_this_machine(request: HttpRequest) -> None:
    """Raises Http404."""
    is_forwarded = any(header in request.headers for header in FORWARDED)
    if not settings.MAILS_PAGE or is_forwarded or not _is_ours(request) or not _is_loopback(request):
        raise Http404


def _is_ours(request: HttpRequest) -> bool:
    host = request.get_host()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in HOSTS or name.lower().endswith(BELOW)


def _is_loopback(request: HttpRequest) -> bool:
    try:
        address = ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
