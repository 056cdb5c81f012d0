"""Every address of the project."""

from django.contrib import admin
from django.urls import include, path

from config import desk, health, pages
from config.watching import page as watching

desk.furnish()

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

# In the order of how often they are asked for: each request is compared with them one by one.
urlpatterns = [
    path("", include("generations.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", watching.metrics),
    path("", pages.landing, name="landing"),
    path("admin/", admin.site.urls),
    path("accent/<str:colour>.css", pages.accent_stylesheet, name="accent"),
    path("", include("accounts.urls")),
    path("", include("webhooks.urls")),
    path("", include("billing.urls")),
    path("", include("config.keys.urls")),
    path("", include("config.docs.urls")),
]
