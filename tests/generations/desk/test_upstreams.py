"""Upstreams as operators set them up: what is filled in, what is refused, and that secrets never come out."""

import datetime
import logging
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.clock import db_now
from generations import circuit
from generations.models import Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from tests.makers import a_submitted, an_access, an_organization, an_upstream
from tests.operators import clerk, desk_of, entered, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/upstream/"
SECRET = "sk-very-secret-credential"


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def add(desk: Client, **fields: Any) -> Any:
    return desk.post(f"{LIST}add/", entered(**fields))


def added(desk: Client, **fields: Any) -> Upstream:
    response = add(desk, **fields)
    assert response.status_code == 302, problems(response)
    return Upstream.objects.latest("pk")


def problems(response: Any) -> str:
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return " ".join(text for texts in found.values() for text in texts)


def change(desk: Client, row: Upstream, **fields: Any) -> Any:
    return desk.post(f"{LIST}{row.pk}/change/", entered(name=row.name, provider=row.provider, **fields))


def test_what_is_left_empty_is_as_the_provider_has_it(desk: Client) -> None:
    row = added(desk, provider="fal", base_url="", new_credential=SECRET, cost="0.005", cost_unit="megapixel")
    assert (row.base_url, row.model_names) == (
        "https://queue.fal.run",
        {"z-image-turbo": "fal-ai/z-image/turbo"},
    )
    assert (row.credential, row.cost_micros, row.sizes) == (SECRET, 5000, [])
    assert UpstreamState.objects.filter(upstream=row).exists()


def test_an_empty_field_stays_empty_when_the_form_comes_back(desk: Client) -> None:
    page = desk.post(f"{LIST}add/", entered(name="", model_names="")).content.decode()
    assert ">null<" not in page.replace("\n", "")


def test_what_is_entered_is_kept(desk: Client) -> None:
    row = added(
        desk,
        base_url="https://api.example.com/images/",
        model_names='{"z-image-turbo": "their/own"}',
        size_list="1024x1024, 1280*720,1024 × 1024",
        cost="1.000001",
        polls_per_second="7",
        resends="on",
    )
    assert row.base_url == "https://api.example.com/images"
    assert row.model_names == {"z-image-turbo": "their/own"}
    assert row.sizes == ["1024x1024", "1280x720"]
    assert (row.cost_micros, row.polls_per_second, row.resends) == (1_000_001, 7, True)
    page = desk.get(f"{LIST}{row.pk}/change/").content.decode()
    assert 'value="1024x1024, 1280x720"' in page
    assert 'value="1.000001"' in page


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"base_url": ""}, "has no address of its own"),
        ({"base_url": "api.example.com"}, "begins with https://"),
        ({"base_url": "ftp://api.example.com"}, "begins with https://"),
        ({"base_url": "https://"}, "This is not an address"),
        ({"base_url": "https://api.example.com:99999"}, "This is not an address"),
        ({"base_url": "https://[::1"}, "This is not an address"),
        ({"base_url": "https://me:pw@api.example.com"}, "No user or password"),
        ({"base_url": "https://api.example.com?key=1"}, "what follows ?"),
        ({"base_url": "https://api.example.com/#a"}, "what follows ?"),
        ({"base_url": "https://api.exam ple.com"}, "no spaces"),
        ({"base_url": "https://äpi.example.com"}, "no spaces"),
        (
            {"provider": "portal", "base_url": "https://shop.example/api/generate"},
            "enter only https://shop.example.",
        ),
        ({"provider": "portal", "base_url": "https://shop.example/api/"}, "enter only https://shop.example."),
        ({"base_url": "https://api.openai.com/v1/images/generations"}, "enter only https://api.openai.com."),
        ({"provider": "replicate", "base_url": "https://api.replicate.com/v1"}, "is added by itself"),
        ({"provider": "fal", "base_url": "https://queue.fal.run/fal-ai/z-image/turbo"}, "is added by itself"),
        ({"new_credential": "Bearer sk-1"}, "the word in front"),
        ({"new_credential": "sk-1\n"}, "no spaces or line breaks"),
        ({"new_credential": " sk-1"}, "no spaces or line breaks"),
        ({"new_credential": "sk-1\x00"}, "ull characters are not allowed"),
        ({"new_credential": "schlüssel"}, "plain ASCII"),
        ({"new_webhook_secret": "whsec_ 1"}, "no spaces or line breaks"),
        ({"provider": "nobody"}, "not one of the available choices"),
        ({"size_list": "1024"}, "1024 is not a size"),
        ({"size_list": "1024x1024, large"}, "large is not a size"),
        ({"size_list": "1000x1000"}, "a multiple of 16"),
        ({"size_list": "1024x1024, 128x1024"}, "from 256 to 1536"),
        ({"size_list": "1024x2048"}, "from 256 to 1536"),
        ({"model_names": "[1]"}, "Models look like"),
        ({"model_names": '{"z-image-turbo": ""}'}, "Models look like"),
        ({"model_names": '{"other": "x"}'}, "We have no model other"),
        ({"cost": "0.0000001"}, "no more than 6 decimal places"),
        ({"cost": "-1"}, "greater than or equal to 0"),
        ({"cost": "NaN"}, "Enter a number"),
        ({"weight": "0"}, "greater than or equal to 1"),
        ({"concurrency": "0"}, "greater than or equal to 1"),
        ({"min_side": "2000"}, "longer than the longest"),
        ({"uses_webhooks": "on"}, "sends none"),
        ({"name": "Taken"}, "of this name already"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    desk: Client, fields: dict[str, str], reason: str
) -> None:
    an_upstream(name="Taken")
    response = add(desk, **fields)
    assert response.status_code == 200
    assert reason in problems(response)
    assert Upstream.objects.count() == 1


def test_openai_clients_base_address_is_taken_as_they_have_it(desk: Client) -> None:
    assert added(desk, base_url="https://api.openai.com/v1").base_url == "https://api.openai.com/v1"


def test_secrets_never_come_out_again(desk: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    row = added(desk, new_credential=SECRET, new_webhook_secret="whsec_hidden")
    assert add(desk, new_credential=SECRET, base_url="nonsense").status_code == 200
    looked = desk_of(clerk("view_upstream"))
    pages = [
        add(desk, name="Again", new_credential=SECRET, base_url="nonsense"),
        desk.get(LIST),
        desk.get(f"{LIST}{row.pk}/change/"),
        desk.get(f"{LIST}{row.pk}/history/"),
        looked.get(LIST),
        looked.get(f"{LIST}{row.pk}/change/"),
    ]
    for page in pages:
        assert page.status_code == 200
        for text in (SECRET, "whsec_hidden", row.sealed_credential, row.sealed_webhook_secret):
            assert text not in page.content.decode()
    assert "Set on" in text_of(pages[2])
    assert "Set on" in text_of(pages[5])
    assert SECRET not in "".join(entry.change_message for entry in LogEntry.objects.all())
    assert SECRET not in caplog.text
    assert SECRET not in row.sealed_credential


def test_empty_credential_keeps_the_one_there_is(desk: Client) -> None:
    row = added(desk, new_credential=SECRET)
    assert change(desk, row, new_credential="", priority="3").status_code == 302
    row.refresh_from_db()
    assert (row.credential, row.priority) == (SECRET, 3)
    assert change(desk, row, new_credential="sk-new").status_code == 302
    row.refresh_from_db()
    assert row.credential == "sk-new"


def test_unreadable_credential_says_what_to_do_and_can_be_entered_again(
    desk: Client, settings: Settings
) -> None:
    row = added(desk, new_credential=SECRET)
    settings.SEALING_KEYS = ["another key of at least thirty-two"]
    page = text_of(desk.get(f"{LIST}{row.pk}/change/"))
    assert "CREDENTIALS_KEY was changed" in page
    assert "manage.py reseal" in page
    assert "CREDENTIALS_KEY was changed" in problems(change(desk, row))
    assert change(desk, row, new_credential="sk-new").status_code == 302
    row.refresh_from_db()
    assert row.credential == "sk-new"


def test_one_that_made_orders_can_only_be_disabled(desk: Client) -> None:
    used, unused = an_upstream(), an_upstream()
    _generation, attempt = a_submitted(an_access(an_organization(15)))
    type(attempt).objects.filter(pk=attempt.pk).update(upstream=used)
    for row, left in ((used, True), (unused, False)):
        response = desk.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}, follow=True)
        assert Upstream.objects.filter(pk=row.pk).exists() == left
        assert ("only disabled" in text_of(response)) == left
    response = desk.post(LIST, {"action": "delete_selected", "_selected_action": used.pk, "post": "yes"})
    assert Upstream.objects.filter(pk=used.pk).exists()


def test_state_is_shown_and_the_circuit_closed_by_hand(desk: Client) -> None:
    row = an_upstream(name="Paused")
    UpstreamState.objects.filter(pk=row.pk).update(in_flight=3)
    assert "3 of 10 in flight, circuit closed" in text_of(desk.get(LIST))
    circuit.report(row.pk, OutcomeKind.ACCOUNT, "HTTP 402: <b>no balance</b>")
    page = desk.get(f"{LIST}{row.pk}/change/")
    assert "it refuses our account, tried again in" in text_of(page)
    assert "<b>no balance</b>" not in page.content.decode()
    response = desk.post(LIST, {"action": "close_circuits", "_selected_action": row.pk}, follow=True)
    assert "1 circuit was closed." in text_of(response)
    row.refresh_from_db()
    assert row.state.opened_at is None


def test_list_asks_the_clock_no_oftener_for_more_circuits_that_are_open(desk: Client) -> None:
    made = [an_upstream(name=f"Paused {number}") for number in range(3)]
    desk.get(LIST)
    counts = []
    for rows in (made[:1], made):
        UpstreamState.objects.filter(upstream__in=rows).update(
            opened_at=db_now(), open_until=db_now() + datetime.timedelta(minutes=1), reason=circuit.FAILING
        )
        with CaptureQueriesContext(connection) as queries:
            page = text_of(desk.get(LIST))
        assert page.count("it keeps failing, tried again in") == len(rows)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_staff_that_may_only_look_changes_nothing() -> None:
    row = an_upstream()
    looked = desk_of(clerk("view_upstream"))
    assert change(looked, row, priority="1").status_code == 403
    assert add(looked).status_code == 403
    looked.post(LIST, {"action": "disable", "_selected_action": row.pk})
    assert looked.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert looked.get(f"{LIST}{row.pk}/try/").status_code == 403
    assert looked.post(f"{LIST}{row.pk}/try/", {"prompt": "a", "size": "1024x1024"}).status_code == 403
    row.refresh_from_db()
    assert (row.enabled, row.priority) == (True, 10)
