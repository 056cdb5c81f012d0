"""How a visitor likes the pages: light or dark, and in which language. Kept in two cookies, also without an account;
mail to a member is in the language that they chose last.
"""

from contextlib import suppress
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.connections import AWAY
from accounts.models import User
from accounts.pages import is_path_of_ours
from config import languages

THEME_COOKIE: Final = "theme"
AUTOMATIC: Final = "auto"  # as the device is set
THEMES: Final = (AUTOMATIC, "light", "dark")
KEPT_S: Final = 31_536_000


def theme_of(request: HttpRequest) -> str:
    wanted = request.COOKIES.get(THEME_COOKIE, AUTOMATIC)
    return wanted if wanted in THEMES else AUTOMATIC


def keep(response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=KEPT_S, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


# A form elsewhere could change colours and words with it, and nothing else: it comes without the session's cookie. So
# that pages for anybody need no token, and thus no cookie.
@csrf_exempt
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """`theme` or `language`, and back to `next`, in that language; what is unknown changes nothing."""
    back = request.POST.get("next", "")
    if not is_path_of_ours(back):
        back = reverse("landing")
    theme, language = request.POST.get("theme"), request.POST.get("language")
    if language not in languages.offered(request):
        language = None
    if language is not None:
        back = languages.translated(back, language)
    response = HttpResponseRedirect(back)
    if theme in THEMES:
        keep(response, THEME_COOKIE, theme)
    if language is not None:
        keep(response, settings.LANGUAGE_COOKIE_NAME, language)
        with suppress(*AWAY):  # of the choice the cookie alone is needed
            if isinstance(request.user, User):
                request.user.reads(language)
    return response
