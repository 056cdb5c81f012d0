from django.urls import path

from billing import views
from billing.errors import CREDITS_PATH

urlpatterns = [
    path(CREDITS_PATH.removeprefix("/"), views.credits_page, name="credits"),
]
