"""JSON Schema in few words, for what stands beside a view to say what it takes and answers; 2020-12, as OpenAPI 3.1."""

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

_components: dict[str, Schema] = {}
_PLAIN = {"string": "", "integer": 0, "number": 0, "boolean": False}


def component(name: str, schema: Schema) -> Schema:
    """A reference to `schema`, which the document lists once by this name. Raises ValueError for a taken name."""
    if _components.setdefault(name, schema) != schema:
        raise ValueError(f"Two schemas are named {name}.")
    return {"$ref": f"#/components/schemas/{name}"}


def components() -> dict[str, Schema]:
    return dict(sorted(_components.items()))


def resolved(schema: Schema) -> Schema:
    """What a reference stands for; anything else as it is."""
    reference = schema.get("$ref")
    return _components[reference.rpartition("/")[2]] if isinstance(reference, str) else schema


def text(description: str = "", *, example: str | None = None, **more: Any) -> Schema:
    return _typed("string", description, example, more)


def whole(description: str = "", *, example: int | None = None, **more: Any) -> Schema:
    return _typed("integer", description, example, more)


def number(description: str = "", *, example: float | None = None, **more: Any) -> Schema:
    return _typed("number", description, example, more)


def flag(description: str = "", *, example: bool | None = None) -> Schema:
    return _typed("boolean", description, example, {})


def word(words: Iterable[str], description: str = "", *, example: str | None = None) -> Schema:
    """One of `words`."""
    return _typed("string", description, example, {"enum": list(words)})


def moment(description: str = "", *, example: str = "2027-01-31T12:00:00Z") -> Schema:
    return _typed("string", description, example, {"format": "date-time"})


def array(items: Schema, description: str = "", **more: Any) -> Schema:
    return _typed("array", description, None, {"items": items, **more})


def record(
    members: dict[str, Schema], description: str = "", *, optional: Iterable[str] = (), **more: Any
) -> Schema:
    """An object. All `members` are there but those named in `optional`."""
    needed = [name for name in members if name not in set(optional)]
    return _typed("object", description, None, {"properties": members, "required": needed, **more})


def body(
    members: dict[str, Schema], description: str = "", *, required: Iterable[str] = (), **more: Any
) -> Schema:
    """An object that clients send: only what is named in `required` must be there."""
    return _typed("object", description, None, {"properties": members, "required": list(required), **more})


def nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    changed = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        changed["enum"] = [*schema["enum"], None]
    return changed


def _typed(kind: str, description: str, example: Any, more: Schema) -> Schema:
    schema: Schema = {"type": kind}
    if description:
        schema["description"] = description
    schema |= more
    if not schema.get("required", True):
        del schema["required"]
    if example is not None:
        schema["examples"] = [example]
    return schema


def example_of(schema: Schema) -> Any:
    """A value that fits: put together from the examples of its members."""
    schema = resolved(schema)
    chosen = schema.get("examples") or schema.get("enum")
    if chosen:
        return chosen[0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0])
    kind = schema["type"]
    if kind == "object":
        return {name: example_of(member) for name, member in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"])]
    return _PLAIN.get(kind) if isinstance(kind, str) else None  # what may be null is
