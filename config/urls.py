"""Every address of the project."""

from django.urls import include, path

from config import health

handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

urlpatterns = [
    path("healthz", health.healthz),
    path("", include("generations.urls")),
]
