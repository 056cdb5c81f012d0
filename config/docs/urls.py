from django.urls import path

from config.docs import pages

urlpatterns = [
    path("api/schema", pages.schema, name="api_schema"),
    *(
        path(f"docs/{one.slug}/" if one.slug else "docs/", pages.page, {"slug": one.slug}, name=one.name)
        for one in pages.PAGES
    ),
    path("docs/errors/<slug:word>", pages.error, name="docs_error"),
]
