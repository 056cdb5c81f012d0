"""Every address of the project."""

from typing import Any

from django.contrib import admin
from django.urls import URLResolver, include, path

from config import crawlers, desk, health, preferences, public
from config.docs import urls as docs
from config.languages import InEachLanguage
from config.watching import page as watching

desk.furnish()

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

in_each_language: Any = InEachLanguage()

# In the order of how often they are asked for: each request is compared with them one by one.
urlpatterns = [
    path("", include("generations.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", watching.metrics),
    URLResolver(
        in_each_language,
        [
            path("", public.landing, name="landing"),
            path("pricing/", public.pricing, name="pricing"),
            *docs.in_each_language,
        ],
    ),
    path("admin/", admin.site.urls),
    path("accent/<str:colour>.css", public.accent_stylesheet, name="accent"),
    path("accent/<str:colour>.svg", public.icon, name="icon"),
    path("favicon.ico", public.favicon),
    path("robots.txt", crawlers.robots),
    path("sitemap.xml", crawlers.sitemap, name="sitemap"),
    path("logo/<str:name>.png", public.logo, name="logo"),
    path("card/<str:name>.jpeg", public.card, name="card"),
    path("look/", preferences.choose, name="look"),
    path("styleguide/", public.styleguide, name="styleguide"),
    path("", include("accounts.urls")),
    path("", include("webhooks.urls")),
    path("", include("billing.urls")),
    path("", include("config.keys.urls")),
    path("", include("config.docs.urls")),
]
