"""Every address of the project by introspection, and the rows as they are, to see what a request changed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What a look may change without harm to anybody.
_VOLATILE_MODELS = {"sessions.Session"}
_VOLATILE_COLUMNS = {"last_used_at", "last_used_address", "last_login", "last_seen_at"}


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` as urls.py has it, such as `playground/<str:task_id>/`; `arguments` are the names in it."""

    pattern: str
    arguments: dict[str, Any] = field(compare=False)

    def path(self, values: dict[str, Any]) -> str:
        text = self.pattern
        for name in self.arguments:
            start = text.index(":" + name + ">") if f":{name}>" in text else text.index(f"<{name}>")
            begin, end = text.rindex("<", 0, start + 1), text.index(">", start) + 1
            text = text[:begin] + str(values[name]) + text[end:]
        return f"/{text}"


def routes() -> list[Route]:
    """Without the desk: operators' pages, none of which a customer may open."""
    # Read anew: tests that add addresses of their own leave them in the resolver that requests use.
    return list(_walk(URLResolver(RegexPattern(r"^/"), settings.ROOT_URLCONF)))


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from _walk(pattern, text)
        elif isinstance(pattern, URLPattern):
            yield Route(text, dict(pattern.pattern.converters))


def rows() -> dict[str, str]:
    """A digest of each table."""
    return {
        model._meta.label: _digest(model)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label not in _VOLATILE_MODELS
    }


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables that differ."""
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def _digest(model: Any) -> str:
    names = [
        column.attname for column in model._meta.concrete_fields if column.attname not in _VOLATILE_COLUMNS
    ]
    found = hashlib.sha256()
    for row in model._base_manager.order_by("pk").values_list(*names):
        found.update(repr(row).encode())
    return found.hexdigest()
