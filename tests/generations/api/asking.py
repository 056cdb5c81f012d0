"""Version 1 of the API as its clients use it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from generations.models import Generation
from tests.accounts.client import FOX, content, field_of, send

V1 = "/api/v1"
GENERATIONS = f"{V1}/generations"


def get(key: str, path: str, /, **query: str) -> dict[str, Any]:
    """The resource that a good request is answered with: without an envelope."""
    response = asked(key, path, **query)
    assert response.status_code == 200, response.content
    return content(response)


def asked(key: str, path: str, /, **query: str) -> HttpResponse:
    return send("GET", f"{V1}/{path}", key=key, QUERY_STRING=urlencode(query))


def post(key: str, path: str, body: Any = b"", **options: Any) -> dict[str, Any]:
    response = send("POST", f"{V1}/{path}", key=key, body=body, **options)
    assert response.status_code == 200, response.content
    return content(response)


def created(key: str, **fields: Any) -> dict[str, Any]:
    return post(key, "generations", FOX | fields)


def order(key: str, **fields: Any) -> Generation:
    return Generation.objects.get(task_id=created(key, **fields)["id"])


def refused(key: str, body: Any, path: str = "generations") -> tuple[str, str | None]:
    """Machine word and param of a 400."""
    return field_of(send("POST", f"{V1}/{path}", key=key, body=body))


def question_refused(key: str, path: str, /, **query: str) -> tuple[str, str | None]:
    return field_of(asked(key, path, **query))


def pages(key: str, path: str, /, **query: str) -> list[list[dict[str, Any]]]:
    """All pages of a list, from the first to the last."""
    found = []
    cursor: str | None = ""
    while cursor is not None:
        answer = get(key, path, **query, **({"cursor": cursor} if cursor else {}))
        assert (set(answer), answer["object"]) == ({"object", "data", "next_cursor"}, "list")
        found.append(answer["data"])
        cursor = answer["next_cursor"]
    return found
