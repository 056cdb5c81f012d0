"""Setting up an upstream: what is refused, with the reason at its field; what is kept, and what is never shown."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from generations.models import Upstream, UpstreamState
from tests.makers import a_generation, an_access, an_organization, an_upstream

pytestmark = pytest.mark.django_db
ADD = "/admin/generations/upstream/add/"
SECRET = "sk-a-secret-that-nobody-reads-again"
FIELDS = {
    "name": "fal",
    "provider": "fal",
    "base_url": "",
    "credential": SECRET,
    "webhook_secret": "",
    "models": "",
    "size_list": "",
    "min_side": "256",
    "max_side": "1536",
    "priority": "10",
    "weight": "1",
    "concurrency": "10",
    "polls_per_second": "",
    "cost": "0.005",
    "cost_unit": "megapixel",
    "enabled": "on",
}


def errors(desk: Client, path: str = ADD, **changes: str) -> dict[str, list[str]]:
    answer: Any = desk.post(path, FIELDS | changes)
    if answer.status_code == 302:
        return {}
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def test_what_is_left_empty_is_the_providers_usual(desk: Client) -> None:
    assert errors(desk) == {}
    upstream = Upstream.objects.get()
    assert (upstream.base_url, upstream.model_names) == (
        "https://queue.fal.run",
        {"z-image-turbo": "fal-ai/z-image/turbo"},
    )
    assert (upstream.cost_micros, upstream.cost_unit, upstream.sizes) == (5000, "megapixel", [])
    assert upstream.credential == SECRET
    assert UpstreamState.objects.filter(upstream=upstream).exists()


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("base_url", "queue.fal.run", "begins with https://"),
        ("base_url", "ftp://queue.fal.run", "begins with https://"),
        ("base_url", "https://", "begins with https://"),
        ("base_url", "https://x:0", "begins with https://"),
        ("base_url", "https://x:99999", "not an address"),
        ("base_url", "https://[::1", "not an address"),
        ("base_url", "https://me:word@queue.fal.run", "User and password"),
        ("base_url", "https://queue.fal.run?x=1", "before any ?"),
        ("base_url", "https://queue.fal.run/#top", "before any ?"),
        ("base_url", "https://queue.fal.run/a b", "no spaces"),
        ("base_url", "https://shop.example/api/generate", "endpoint"),
        ("base_url", "https://gpu:30000/v1/images/generations/", "endpoint"),
        ("credential", "Bearer sk-1", "without the word"),
        ("credential", "Key: abc", "without the word"),
        ("credential", "sk-1\nsk-2", "line breaks"),
        ("credential", " sk-1", "line breaks"),
        ("credential", "sk-ключ", "no credential has"),
        ("models", "z-image-turbo", "ours = theirs"),
        ("models", "nothing = x", "none of our models"),
        ("size_list", "1024", "multiple of 16"),
        ("size_list", "1024x1024, 1000x1000", "1000x1000"),
        ("size_list", "128x128", "256 to 1536"),
        ("max_side", "200", "shorter than the shortest"),
        ("weight", "0", "At least 1"),
        ("concurrency", "0", "At least 1"),
        ("polls_per_second", "0", "At least 1"),
        ("cost", "cheap", "such as 0.005"),
        ("cost", "-1", "such as 0.005"),
        ("cost", "0.0000001", "at most six places"),
        ("cost", "NaN", "such as 0.005"),
        ("provider", "sandbox", "valid choice"),
    ],
)
def test_a_wrong_entry_is_refused_with_the_reason_at_its_field(
    desk: Client, field: str, text: str, reason: str
) -> None:
    found = errors(desk, **{field: text})
    assert list(found) == [field] or field == "provider"
    assert reason in " ".join(found[field])
    assert not Upstream.objects.exists()


def test_a_provider_without_a_usual_address_needs_one(desk: Client) -> None:
    assert "enter yours" in errors(desk, provider="portal")["base_url"][0]
    assert errors(desk, provider="openai_compatible", base_url="http://gpu:30000/") == {}
    assert Upstream.objects.get().base_url == "http://gpu:30000"


def test_secrets_are_never_shown_again_and_an_empty_field_keeps_them(desk: Client) -> None:
    errors(desk, webhook_secret="whsec_c2VjcmV0")
    upstream = Upstream.objects.get()
    path = f"/admin/generations/upstream/{upstream.pk}/change/"
    page = desk.get(path).content.decode()
    assert SECRET not in page
    assert "whsec_" not in page
    assert upstream.sealed_credential not in page
    assert "Leave it empty to keep it" in page
    assert errors(desk, path, credential="", weight="3") == {}
    upstream.refresh_from_db()
    assert (upstream.credential, upstream.webhook_secret, upstream.weight) == (SECRET, "whsec_c2VjcmV0", 3)
    assert errors(desk, path, credential="another") == {}
    upstream.refresh_from_db()
    assert upstream.credential == "another"
    refused = desk.post(path, FIELDS | {"credential": "Bearer " + SECRET}).content.decode()
    assert SECRET not in refused
    assert SECRET not in str(list(LogEntry.objects.values_list("change_message", "object_repr")))


def test_a_credential_that_cannot_be_read_is_said_with_the_cure(desk: Client) -> None:
    upstream = an_upstream(credential=SECRET)
    Upstream.objects.update(sealed_credential="sealed by another key")
    page = desk.get(f"/admin/generations/upstream/{upstream.pk}/change/").content.decode()
    assert "It cannot be read: CREDENTIALS_KEY" in page


def test_what_was_saved_is_shown_as_it_was_entered(desk: Client) -> None:
    errors(desk, size_list="1024*1024 1280x720", models="z-image-turbo = theirs", cost="0.0125")
    upstream = Upstream.objects.get()
    assert upstream.sizes == ["1024x1024", "1280x720"]
    page = desk.get(f"/admin/generations/upstream/{upstream.pk}/change/").content.decode()
    for shown in ("1024x1024, 1280x720", "z-image-turbo = theirs", 'value="0.0125"'):
        assert shown in page


def test_one_that_has_worked_is_kept_and_its_provider_too_while_it_works(desk: Client) -> None:
    from generations import lifecycle

    upstream = an_upstream(name="fal")
    path = f"/admin/generations/upstream/{upstream.pk}"
    attempt = lifecycle.begin(a_generation(an_access(an_organization(100))), upstream)
    assert attempt is not None
    assert "disable it" in errors(desk, f"{path}/change/", provider="fal")["provider"][0]
    assert desk.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome="failed")
    assert errors(desk, f"{path}/change/", provider="fal") == {}
    fresh = an_upstream()
    desk.post(f"/admin/generations/upstream/{fresh.pk}/delete/", {"post": "yes"})
    assert list(Upstream.objects.values_list("pk", flat=True)) == [upstream.pk]
