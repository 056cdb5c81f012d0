"""The OpenAPI document as a page shows it: grouped, in plain rows, without anything left to look up."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.code_samples import samples
from accounts.shapes import Schema, resolved
from config.docs.openapi import example_call, operations
from config.docs.snippets import Code, code

DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A member of a body or an answer; `name` as a path, such as `error.type`."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    status: str
    words: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    bucket: str
    parameters: list[Row]
    body: list[Row]
    answer: list[Row]
    answer_example: str
    refusals: list[Refusal]
    code: Code


def groups(document: dict[str, Any], address: str, key: str, language: str) -> dict[str, list[Operation]]:
    """By tag."""
    found: dict[str, list[Operation]] = {}
    for path, method, operation in operations(document):
        shown = _operation(path, method, operation, (address, key, language))
        found.setdefault(operation["tags"][0], []).append(shown)
    return dict(sorted(found.items(), key=lambda group: ("Images", "OpenAI").count(group[0]) == 0))


def _operation(path: str, method: str, operation: dict[str, Any], reader: tuple[str, str, str]) -> Operation:
    address, key, language = reader
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    success = next(status for status in operation["responses"] if status.startswith("2"))
    answer = operation["responses"][success]["content"]["application/json"]
    sources = samples(example_call(path, method, operation, address, key))
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation["x-required-scope"],
        bucket=operation["x-bucket"],
        parameters=[
            Row(one["name"], f"{one['in']}, {kind_of(one['schema'])}", one["required"], one["description"])
            for one in operation.get("parameters", [])
        ],
        body=list(rows(body)) if body else [],
        answer=list(rows(answer["schema"])),
        answer_example=json.dumps(answer["example"], ensure_ascii=False, indent=2),
        refusals=[
            Refusal(status, _words(response))
            for status, response in operation["responses"].items()
            if not status.startswith("2")
        ],
        code=code(operation["operationId"], sources, language),
    )


def _words(response: dict[str, Any]) -> list[str]:
    _whole, named = response["content"]["application/json"]["schema"]["allOf"]
    members = named["properties"]["error"]["properties"]
    words: list[str] = (members.get("type") or members["code"])["enum"]
    return words


def rows(schema: Schema, within: str = "", depth: int = 0) -> Iterator[Row]:
    schema = resolved(schema)
    needed = set(schema.get("required", ()))
    for name, member in schema.get("properties", {}).items():
        of = resolved(member)
        yield Row(within + name, kind_of(member), name in needed, of.get("description", ""))
        inner = _inside(of)
        if inner is not None and depth < DEEPEST:
            mark = "[]." if _items(of) else "."
            yield from rows(inner, f"{within}{name}{mark}", depth + 1)


def _items(schema: Schema) -> Schema | None:
    return resolved(schema["items"]) if "items" in schema else None


def _inside(schema: Schema) -> Schema | None:
    """The object in it, if there is one."""
    schema = next((resolved(one) for one in schema.get("anyOf", ()) if "$ref" in one), schema)
    schema = _items(schema) or schema
    return schema if "properties" in schema else None


def kind_of(schema: Schema) -> str:
    schema = resolved(schema)
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(kind_of(one) for one in schema["anyOf"]))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " · ".join("null" if one is None else json.dumps(one) for one in schema["enum"])
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    text = " or ".join(kinds)
    if "items" in schema:
        text = text.replace("array", f"array of {kind_of(schema['items'])}")
    if "minimum" in schema and "maximum" in schema:
        text += f", {schema['minimum']} to {schema['maximum']}"
    return text
