"""The product's addresses, and a trivial view that passes the same server, middleware and pool."""

from django.urls import path

from benchmarks.trivial_view import TrivialView
from config import urls

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500

urlpatterns = [path("api/trivial", TrivialView.as_view()), *urls.urlpatterns]
