"""Requests to a running shop, and waiting for what they lead to."""

import http.client
import json
from contextlib import closing
from typing import Any

from django.db import connection

from generations.models import Generation
from tests.shop import RunningShop
from tests.waiting import wait_until


def ask(shop: RunningShop, method: str, path: str, key: str = "", body: object = None) -> tuple[int, Any]:
    """Status and body of the answer, which is decoded if it is JSON."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    with closing(http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
    return answer.status, json.loads(content) if "json" in answer.headers.get_content_type() else content


def order(shop: RunningShop, key: str, prompt: str = "a lighthouse") -> str:
    """The id of a new task."""
    status, body = ask(shop, "POST", "/api/generate", key, {"prompt": prompt, "size": "256x256"})
    assert status == 200, body
    task_id: str = body["data"]["task_id"]
    return task_id


def wait_for(task_id: str, *states: str) -> Generation:
    """The task, once it is in one of these states."""

    def there() -> bool:
        found = Generation.objects.filter(task_id=task_id, status__in=states).exists()
        connection.close()
        return found

    wait_until(there, f"{task_id} to be {' or '.join(states)}", timeout_s=60)
    return Generation.objects.get(task_id=task_id)
