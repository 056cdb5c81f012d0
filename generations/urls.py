from django.urls import path

from generations.api import compat
from generations.image_view import serve_image
from generations.upstream_hooks import upstream_hook
from generations.views import gallery, home, playground, usage

urlpatterns = [
    path("api/generate", compat.GenerateView.as_view()),
    path("api/status", compat.StatusView.as_view()),
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
    path("usage/", usage.usage_page, name="usage"),
    path("usage/file", usage.usage_file, name="usage_file"),
]
