from django.urls import path

from generations import views
from generations.api import compat, openai
from generations.image_view import serve_image
from generations.upstream_hooks import upstream_hook

urlpatterns = [
    path("api/generate", compat.GenerateView.as_view()),
    path("api/status", compat.StatusView.as_view()),
    path("v1/images/generations", openai.ImagesView.as_view()),
    path("v1/models", openai.ModelsView.as_view()),
    path("v1/models/<str:model>", openai.ModelView.as_view()),
    path("hooks/upstream/<str:task_id>/<int:number>", upstream_hook, name="upstream_hook"),
    path("i/<str:name>", serve_image, name="image"),
    path("playground/", views.playground, name="playground"),
    path("playground/<str:task_id>/", views.task, name="task"),
    path("playground/<str:task_id>/progress", views.progress, name="task_progress"),
    path("playground/<str:task_id>/cancel", views.cancel, name="task_cancel"),
]
