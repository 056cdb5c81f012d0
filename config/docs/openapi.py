"""The OpenAPI document of the API, from what its views say of themselves."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any

from django.utils.translation import override
from drf_spectacular.drainage import warn
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from accounts.api_v1 import V1View
from accounts.code_samples import LANGUAGES, Call, samples
from accounts.documented import ALWAYS, ERROR, PROBLEM, WITH_BODY, Documented, Refusals
from accounts.errors import DomainError, InvalidField, MethodNotAllowed, MissingField, NotFound
from accounts.shapes import Schema, components, example_of, resolved, text, whole
from generations.api.openai_schemas import OWNER_EXAMPLE

KEY_PLACEHOLDER = "tt_test_YOUR_KEY"
SHOP_PLACEHOLDER = "https://shop.example"
VERSION = "1"
HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Names this request; your own is repeated if you send one.",
        "schema": text(),
        "required": True,
    },
    "RateLimit-Policy": {
        "description": 'The bucket, how much fits in, and the seconds in which it fills: `"create";q=20;w=20`.',
        "schema": text(),
    },
    "RateLimit": {
        "description": 'What may be asked at once, and the seconds until one more: `"create";r=19;t=1`.',
        "schema": text(),
    },
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": whole(minimum=0),
        "required": True,
    },
    "WWW-Authenticate": {"description": "How to say who you are.", "schema": text()},
    "Allow": {"description": "The methods that there are.", "schema": text()},
}
_COMES_WITH = {"Retry-After": (409, 429, 503), "WWW-Authenticate": (401,), "Allow": (405,)}


def _own_words(error: type[DomainError]) -> tuple[int, str]:
    return error.status, error.type


def _own_content(status: int, words: Sequence[str]) -> dict[str, Schema]:
    enum = list(words)
    of_error = {"properties": {"code": {"const": status}, "error": {"properties": {"type": {"enum": enum}}}}}
    of_problem = {"properties": {"status": {"const": status}, "error_type": {"enum": enum}}}
    return {
        "application/json": {"allOf": [ERROR, of_error]},
        "application/problem+json": {"allOf": [PROBLEM, of_problem]},
    }


OWN_REFUSALS = Refusals(_own_words, _own_content)


class DescribedSchema(AutoSchema):
    """Takes an operation from its `documented`; one without is a warning, which a test forbids."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        found: Documented | None = getattr(getattr(self.view, method.lower(), None), "documented", None)
        if found is None:
            warn(f"{method} {path} says nothing of itself: see accounts/documented.py")
            return None
        named = {one.name for one in found.parameters if one.where == "path"}
        if named != set(re.findall(r"{(\w+)}", path)):
            warn(f"{method} {path}: the parameters of its path are not described")
        view: Any = self.view
        operation: dict[str, Any] = {
            "operationId": found.operation_id,
            "summary": found.summary,
            "tags": [found.tag],
            "security": [{"apiKey": []}],
            "x-required-scope": view.required_scopes.get(method, view.required_scope),
            "x-bucket": "create" if method in view.creates else "read",
        }
        if found.description:
            operation["description"] = found.description
        if found.parameters:
            operation["parameters"] = [_parameter(one) for one in found.parameters]
        if found.body is not None:
            content: dict[str, Any] = {"schema": found.body}
            if found.example is not None:
                content["example"] = dict(found.example)
            operation["requestBody"] = {
                "required": found.body_required,
                "content": {"application/json": content},
            }
        operation["responses"] = _responses(
            found, errors_of(found, method, strict=isinstance(self.view, V1View))
        )
        return operation


def _parameter(one: Any) -> dict[str, Any]:
    found = {
        "name": one.name,
        "in": one.where,
        "required": one.required or one.where == "path",
        "description": one.description,
        "schema": one.schema,
    }
    return found | ({"example": one.example} if one.example is not None else {})


def _responses(found: Documented, errors: Sequence[type[DomainError]]) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(found.status): {
            "description": HTTPStatus(found.status).phrase,
            "headers": _headers(found.status) | _own_headers(found),
            "content": {"application/json": {"schema": found.answer, "example": example_of(found.answer)}},
        }
    }
    shape = found.refusals or OWN_REFUSALS
    by_status: dict[int, dict[str, type[DomainError]]] = {}
    for error in errors:
        status, name = shape.words(error)
        by_status.setdefault(status, {}).setdefault(name, error)
    with override("en"):
        for status in sorted(by_status):
            words = by_status[status]
            headers = _headers(status)
            if found.refusals is not None and "Retry-After" in headers:
                # Some of the words have another status there, and none to come back at.
                headers["Retry-After"] = HEADERS["Retry-After"] | {"required": False}
            answers[str(status)] = {
                "description": " · ".join(f"`{name}`: {error.message}" for name, error in words.items()),
                "headers": headers,
                "content": {
                    kind: {"schema": schema} for kind, schema in shape.content(status, list(words)).items()
                },
            }
    return answers


def errors_of(found: Documented, method: str, *, strict: bool = False) -> tuple[type[DomainError], ...]:
    """`strict`: parameters that are not known are refused."""
    errors = (*ALWAYS, *found.errors)
    if method not in ("GET", "HEAD", "DELETE"):
        errors += WITH_BODY
        body = resolved(found.body) if found.body is not None else {}
        if body.get("required") or "anyOf" in body:
            errors += (MissingField,)
    if any(one.where == "path" for one in found.parameters):
        errors += (NotFound,)
    if strict or any(one.where in ("query", "header") for one in found.parameters):
        errors += (InvalidField,)
    return tuple(dict.fromkeys(errors))


def _headers(status: int) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status not in (401, MethodNotAllowed.status):  # refused before anybody is counted
        names += ["RateLimit-Policy", "RateLimit"]
    names += [name for name, statuses in _COMES_WITH.items() if status in statuses]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _own_headers(found: Documented) -> dict[str, Any]:
    return {
        name: {"description": words, "schema": text(), "required": True}
        for name, words in found.answer_headers.items()
    }


# --- The whole document -------------------------------------------------------------------------


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: adds what all operations share."""
    result["components"] = {
        "schemas": components(),
        "headers": HEADERS,
        "securitySchemes": {
            "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, such as `Authorization: Bearer tt_test_…`.",
            }
        },
    }
    return result


def with_samples(document: dict[str, Any], address: str, key: str = KEY_PLACEHOLDER) -> dict[str, Any]:
    """`x-codeSamples` for every operation, as the shop at `address` is asked. Changes `document`."""
    for path, method, operation in operations(document):
        found = samples(example_call(path, method, operation, address, key))
        operation["x-codeSamples"] = [
            {"lang": name, "label": LANGUAGES[name], "source": source} for name, source in found.items()
        ]
    return document


def example_call(path: str, method: str, operation: dict[str, Any], address: str, key: str) -> Call:
    query = []
    for one in operation.get("parameters", []):
        if "example" in one and one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        elif "example" in one and one["in"] == "query":
            query.append(f"{one['name']}={one['example']}")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    tail = f"?{'&'.join(query)}" if query else ""
    return Call(method.upper(), address + path + tail, key, content.get("example"))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, method in small letters, operation)"""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose document it is. `address`: where the API is; the last two may be ""."""

    name: str
    address: str
    support_email: str = ""
    terms_url: str = ""


@lru_cache(maxsize=16)  # 2 MB each, made in 4 ms
def document(shop: Publisher) -> dict[str, Any]:
    """The document of this shop. Not to be changed: it is kept."""
    text = _of_every_shop().replace(SHOP_PLACEHOLDER, shop.address)
    made: dict[str, Any] = json.loads(text.replace(json.dumps(OWNER_EXAMPLE), json.dumps(shop.name)))
    contact = {"name": shop.name, "url": f"{shop.address}/"}
    made["info"] = {
        "title": f"{shop.name} API",
        "version": VERSION,
        "description": f"Images from one request. The guide is at {shop.address}/docs/.",
        "contact": contact | ({"email": shop.support_email} if shop.support_email else {}),
    }
    if shop.terms_url:
        made["info"]["termsOfService"] = shop.terms_url
    made["servers"] = [{"url": shop.address}]
    return made


@cache
def _of_every_shop() -> str:
    """As JSON, with what stands for a shop's name and address in its examples."""
    with override("en"):
        made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(with_samples(made, SHOP_PLACEHOLDER))
