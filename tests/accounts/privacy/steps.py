"""Organizations with something in them, and what is left of them."""

import io
import json
import zipfile
from typing import Any

from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client

from accounts.models import AuditEvent, DataExport, Organization, QueuedMail
from generations import lifecycle, storage
from generations.models import Image
from generations.providers.base import Job
from generations.providers.sandbox import draw
from tests.cast import Person, access_of_user
from tests.makers import a_request, ago
from tests.pages import browser_of

DAY_S = 86_400


def access_of(person: Person) -> Any:
    return access_of_user(person.user, person.organization.slug)


def an_image_of(person: Person, prompt: str = "a lighthouse", days_old: float = 0) -> Image:
    """Ordered by this person, made, and stored."""
    ordered = lifecycle.submit(
        access_of(person), a_request(prompt), endpoint="test", idempotency_key=f"k {prompt}"
    )
    generation = lifecycle.claim(ordered.pk)
    assert generation is not None
    attempt = lifecycle.mark_submitted(generation, "sandbox")
    assert attempt is not None
    checked = storage.check(draw(Job(generation.task_id, attempt.key, prompt, 256, 256, 1, "jpeg"), 0))
    key = storage.store(generation.task_id, generation.claim, 0, checked)
    assert lifecycle.succeed(generation, attempt, [lifecycle.Stored(0, key, checked)])
    then = ago(days_old * DAY_S)
    type(generation).objects.filter(pk=generation.pk).update(created_at=then, finished_at=then)
    Image.objects.filter(generation=generation).update(created_at=then)
    return Image.objects.get(generation=generation)


def open_archive(content: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return archive


def document(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


def fetched(person: Person, export: DataExport) -> bytes:
    response: Any = browser_of(person).get(f"/settings/export/{export.public_id}/")
    assert response.status_code == 200
    content = b"".join(response.streaming_content)
    assert len(content) == int(response["Content-Length"])
    return content


def leave(response: Any) -> None:
    """As a browser that breaks off. Django would close the test's own database connection on the way."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def mails() -> list[tuple[str, str]]:
    """Which mail waits for whom, in order."""
    return list(QueuedMail.objects.order_by("pk").values_list("to", "template"))


def acts(organization: Organization) -> list[tuple[str, str]]:
    """Actor and action of what the audit log tells, the oldest first."""
    events = AuditEvent.objects.filter(organization=organization).order_by("pk")
    return [(event.actor, event.action) for event in events]


def now(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


def let_time_pass(organization: Organization, days: float) -> None:
    """Its deletion was asked for so long ago."""
    assert Organization.objects.filter(pk=organization.pk).update(closing_at=ago(days * DAY_S))


def post(client: Client, path: str, **fields: str) -> Any:
    return client.post(path, fields)
