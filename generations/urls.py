from django.urls import path

from generations.api import compat, openai, v1, v1_shop
from generations.image_view import serve_image
from generations.upstream_hooks import upstream_hook
from generations.views import gallery, home, playground, samples, usage

urlpatterns = [
    path("api/generate", compat.GenerateView.as_view()),
    path("api/status", compat.StatusView.as_view()),
    path("api/v1/generations", v1.GenerationsView.as_view()),
    path("api/v1/generations/<str:task_id>", v1.GenerationView.as_view()),
    path("api/v1/generations/<str:task_id>/cancel", v1.CancelView.as_view()),
    path("api/v1/generations/<str:task_id>/receipt", v1.ReceiptView.as_view()),
    path("api/v1/models", v1_shop.ModelsView.as_view()),
    path("api/v1/estimate", v1_shop.EstimateView.as_view()),
    path("api/v1/balance", v1_shop.BalanceView.as_view()),
    path("api/v1/usage", v1_shop.UsageView.as_view()),
    path("v1/images/generations", openai.ImagesView.as_view()),
    path("v1/models", openai.ModelsView.as_view()),
    path("v1/models/<str:model>", openai.ModelView.as_view()),
    path("hooks/upstream/<str:task_id>/<int:number>", upstream_hook, name="upstream_hook"),
    path("i/<str:name>", serve_image, name="image"),
    path("home/", home.home, name="home"),
    path("playground/", playground.playground, name="playground"),
    path("playground/<str:task_id>/", playground.task, name="task"),
    path("playground/<str:task_id>/progress", playground.progress, name="task_progress"),
    path("playground/<str:task_id>/cancel", playground.cancel, name="task_cancel"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("gallery/<str:task_id>/", gallery.detail, name="gallery_task"),
    path("gallery/<str:task_id>/delete", gallery.delete, name="gallery_delete"),
    path("samples/<str:name>.webp", samples.picture, name="sample"),
    path("usage/", usage.usage_page, name="usage"),
    path("usage/file", usage.usage_file, name="usage_file"),
]
