from django.urls import path

from webhooks import secret_scanning
from webhooks.api import deliveries, endpoints
from webhooks.views import endpoints as endpoint_pages
from webhooks.views import log as log_pages

_API = "api/v1/webhook-"
_ENDPOINT = "webhooks/<str:endpoint_id>/"

urlpatterns = [
    path("webhooks/github-secret-scanning", secret_scanning.github, name="github_secret_scanning"),
    path("webhooks/", endpoint_pages.webhooks_page, name="webhooks"),
    path("webhooks/new/", endpoint_pages.new_endpoint, name="new_endpoint"),
    path("webhooks/secret/", endpoint_pages.default_secret, name="webhook_secret"),
    path("webhooks/secret/rotate/", endpoint_pages.rotate_default, name="rotate_webhook_secret"),
    path("webhooks/deliveries/", log_pages.deliveries_page, name="deliveries"),
    path("webhooks/deliveries/again/", log_pages.replay_failed, name="replay_failed"),
    path("webhooks/deliveries/<str:delivery_id>/", log_pages.delivery_page, name="delivery"),
    path("webhooks/deliveries/<str:delivery_id>/again/", log_pages.replay, name="replay_delivery"),
    path(_ENDPOINT, endpoint_pages.endpoint_page, name="endpoint"),
    path(f"{_ENDPOINT}secret/", endpoint_pages.secret, name="endpoint_secret"),
    path(f"{_ENDPOINT}rotate/", endpoint_pages.rotate, name="rotate_endpoint"),
    path(f"{_ENDPOINT}switch/", endpoint_pages.switch, name="switch_endpoint"),
    path(f"{_ENDPOINT}test/", endpoint_pages.send_test, name="endpoint_test"),
    path(f"{_ENDPOINT}delete/", endpoint_pages.delete, name="delete_endpoint"),
    path(f"{_API}endpoints", endpoints.EndpointsView.as_view()),
    path(f"{_API}endpoints/<str:endpoint_id>", endpoints.EndpointView.as_view()),
    path(f"{_API}endpoints/<str:endpoint_id>/rotate", endpoints.RotateEndpointView.as_view()),
    path(f"{_API}endpoints/<str:endpoint_id>/test", endpoints.TestEndpointView.as_view()),
    path(f"{_API}deliveries", deliveries.DeliveriesView.as_view()),
    path(f"{_API}deliveries/replay-failed", deliveries.ReplayFailedView.as_view()),
    path(f"{_API}deliveries/<str:delivery_id>", deliveries.DeliveryView.as_view()),
    path(f"{_API}deliveries/<str:delivery_id>/replay", deliveries.ReplayView.as_view()),
]
