"""What the API's libraries are told. None of it is the operator's to set."""

from typing import Any

# What else an endpoint for keys needs stands on accounts.api.ApiView, the base of them all.
REST_FRAMEWORK: dict[str, Any] = {
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "config.docs.openapi.DescribedSchema",
}
SPECTACULAR: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/",
    "SORT_OPERATIONS": False,  # in the order of urls.py
    "POSTPROCESSING_HOOKS": ["config.docs.openapi.finish"],
    # Nothing of ours is shown by these; whoever tries them out loads nothing from elsewhere.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
