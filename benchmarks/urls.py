"""The product's addresses, and a trivial view behind the same server and pool, and behind what Django puts before
every view: for ours, config/middleware.py leaves out what programs do not need.
"""

from django.urls import path

from benchmarks.trivial_view import TrivialView
from config import urls

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500

urlpatterns = [path("trivial", TrivialView.as_view()), *urls.urlpatterns]
