from django.urls import path

from config.docs import pages

# Those of the guide have an address in each language: see config/urls.py.
in_each_language = [
    path(f"docs/{one.slug}/" if one.slug else "docs/", pages.page, {"slug": one.slug}, name=one.name)
    for one in pages.PAGES
]
urlpatterns = [
    path("api/schema", pages.schema, name="api_schema"),
    path("docs/errors/<slug:word>", pages.error, name="docs_error"),
]
