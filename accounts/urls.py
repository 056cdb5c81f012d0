from django.urls import path

from accounts.views import signing

urlpatterns = [
    path("sign-in/", signing.sign_in, name="sign_in"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("terms/", signing.accept_terms, name="terms"),
]
