"""Making keys as people and programs do."""

import re
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client

from accounts.models import ApiKey, AuditEvent
from tests.accounts.client import content, send

KEYS = "/api/v1/keys"
FIELDS: dict[str, Any] = {
    "name": "ci",
    "livemode": "live",
    "scopes": ["generate", "read"],
    "expires_at": "",
    "allowed_addresses": "",
    "rate_per_minute": "",
    "burst": "",
    "max_open_tasks": "",
    "day_cap": "",
    "month_cap": "",
    "lifetime_cap": "",
}


def form_id(client: Client) -> str:
    found = re.search(r'name="form_id" value="([0-9a-f]{24})"', client.get("/keys/new/").content.decode())
    assert found
    return found[1]


def make(client: Client, **changes: Any) -> HttpResponse:
    """Sends the form for a new key as the page shows it."""
    sent = FIELDS | {"form_id": changes.pop("form_id", None) or form_id(client)} | changes
    return cast(HttpResponse, client.post("/keys/new/", sent))


def secret_in(response: HttpResponse) -> str:
    """What the page shows once."""
    assert response.status_code == 200, response.content.decode()
    found = re.search(r'id="secret">(tt_\w+)<', response.content.decode())
    assert found
    return found[1]


def made(client: Client, **changes: Any) -> tuple[ApiKey, str]:
    secret = secret_in(make(client, **changes))
    return ApiKey.objects.latest("pk"), secret


def change(client: Client, key: ApiKey, **changes: Any) -> HttpResponse:
    sent = {name: value for name, value in (FIELDS | changes).items() if name != "livemode"}
    return cast(HttpResponse, client.post(f"/keys/{key.public_id}/", sent))


def rotate(client: Client, key: ApiKey, overlap: int = 86_400) -> HttpResponse:
    return cast(HttpResponse, client.post(f"/keys/{key.public_id}/rotate/", {"overlap": overlap}))


def revoke(client: Client, key: ApiKey) -> HttpResponse:
    return cast(HttpResponse, client.post(f"/keys/{key.public_id}/revoke/"))


def ask(method: str, path: str, key: str, body: Any = b"") -> dict[str, Any]:
    """The plain resource that a request to the API is answered with."""
    response = send(method, path, key=key, body=body)
    assert response.status_code == 200, response.content
    return content(response)


def events() -> list[tuple[str, str, dict[str, Any]]]:
    """Action, subject and details of what was done to keys, oldest first."""
    rows = AuditEvent.objects.filter(action__startswith="key_").order_by("pk")
    return list(rows.values_list("action", "subject", "details"))
