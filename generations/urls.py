from django.urls import path

from generations.api import compat
from generations.image_view import serve_image

urlpatterns = [
    path("api/generate", compat.GenerateView.as_view()),
    path("api/status", compat.StatusView.as_view()),
    path("i/<str:name>", serve_image, name="image"),
]
