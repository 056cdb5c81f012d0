"""What an operator sees of upstreams at work, and does about it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations import lifecycle
from generations.models import Attempt, Upstream, UpstreamState
from tests.makers import a_generation, an_access, an_organization, an_upstream

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/upstream/"


def broken(name: str = "Broken") -> Upstream:
    """One that has just refused our account."""
    upstream = an_upstream(name=name)
    attempt = lifecycle.begin(a_generation(an_access(an_organization(100))), upstream)
    assert attempt is not None
    lifecycle.fail(
        attempt.generation, "x", attempt=attempt, outcome="account", detail="HTTP 402: <b>no balance"
    )
    return upstream


def act(desk: Client, action: str, *upstreams: Upstream) -> str:
    chosen = [upstream.pk for upstream in upstreams]
    answer = desk.post(LIST, {"action": action, "_selected_action": chosen}, follow=True)
    return answer.content.decode()


def test_places_costs_and_circuits_are_seen_at_a_glance(desk: Client) -> None:
    upstream = an_upstream(concurrency=7, cost_micros=5000)
    lifecycle.begin(a_generation(an_access(an_organization(100))), upstream)
    broken()
    page = desk.get(LIST).content.decode()
    for shown in ("1 / 7", "0.005 an image", "closed", "open: refuses our account", "&lt;b&gt;no balance"):
        assert shown in page


def test_every_page_says_that_an_account_is_refused_until_it_is_mended(desk: Client) -> None:
    upstream = broken()
    for path in ("/admin/", LIST, "/admin/generations/attempt/"):
        page = desk.get(path).content.decode()
        assert "Broken refuses our account." in page
        assert "HTTP 402: &lt;b&gt;no balance" in page
    assert "1 upstream changed" in act(desk, "close_circuit", upstream)
    assert "refuses our account" not in desk.get("/admin/").content.decode()


def test_one_that_is_switched_off_needs_nothing(desk: Client) -> None:
    act(desk, "disable", broken())
    assert not Upstream.objects.get().enabled
    assert "refuses our account." not in desk.get("/admin/").content.decode()
    act(desk, "enable", Upstream.objects.get())
    assert Upstream.objects.get().enabled


def test_lists_ask_as_many_questions_for_many_rows_as_for_one(desk: Client) -> None:
    def questions(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert desk.get(path).status_code == 200
        return len(queries)

    broken("First")
    before = [questions(path) for path in (LIST, "/admin/generations/attempt/")]
    for number in range(5):
        broken(f"Broken {number}")
    UpstreamState.objects.update(opened_at=None, open_until=None, reason="")
    assert [questions(path) for path in (LIST, "/admin/generations/attempt/")] == before
    assert Attempt.objects.count() == 6
