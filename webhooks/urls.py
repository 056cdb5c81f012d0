from django.urls import path

from webhooks import secret_scanning

urlpatterns = [
    path("webhooks/github-secret-scanning", secret_scanning.github, name="github_secret_scanning"),
]
