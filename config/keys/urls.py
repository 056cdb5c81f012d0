from django.urls import path

from config.keys import api, pages

urlpatterns = [
    path("keys/", pages.keys_page, name="keys"),
    path("keys/new/", pages.new_key, name="new_key"),
    path("keys/<str:key_id>/", pages.key_page, name="key"),
    path("keys/<str:key_id>/rotate/", pages.rotate, name="rotate_key"),
    path("keys/<str:key_id>/revoke/", pages.revoke, name="revoke_key"),
    path("api/v1/keys", api.KeysView.as_view()),
    path("api/v1/keys/<str:key_id>", api.KeyView.as_view()),
    path("api/v1/keys/<str:key_id>/rotate", api.RotateView.as_view()),
]
