from django.urls import path

from generations import views
from generations.api import compat, openai, v1, v1_shop
from generations.image_view import serve_image
from generations.upstream_hooks import upstream_hook

urlpatterns = [
    path("api/generate", compat.GenerateView.as_view()),
    path("api/status", compat.StatusView.as_view()),
    path("v1/images/generations", openai.ImagesView.as_view()),
    path("v1/models", openai.ModelsView.as_view()),
    path("v1/models/<str:model>", openai.ModelView.as_view()),
    path("api/v1/generations", v1.GenerationsView.as_view()),
    path("api/v1/generations/<str:task_id>", v1.GenerationView.as_view()),
    path("api/v1/generations/<str:task_id>/cancel", v1.CancelView.as_view()),
    path("api/v1/generations/<str:task_id>/receipt", v1.ReceiptView.as_view()),
    path("api/v1/models", v1_shop.ModelsView.as_view()),
    path("api/v1/estimate", v1_shop.EstimateView.as_view()),
    path("api/v1/balance", v1_shop.BalanceView.as_view()),
    path("api/v1/usage", v1_shop.UsageView.as_view()),
    path("hooks/upstream/<str:task_id>/<int:number>", upstream_hook, name="upstream_hook"),
    path("i/<str:name>", serve_image, name="image"),
    path("playground/", views.playground, name="playground"),
    path("playground/<str:task_id>/", views.task, name="task"),
    path("playground/<str:task_id>/progress", views.progress, name="task_progress"),
    path("playground/<str:task_id>/cancel", views.cancel, name="task_cancel"),
]
