"""Which shop answers: the host decides, however it is written; nothing else that a client says does."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from accounts import shops
from accounts.glances import Kept
from accounts.models import Shop, ShopDomain
from tests.accounts.client import content, error_of, generate, send, word_of
from tests.cast import new_key
from tests.pages import browser_of, database_away, text_of
from tests.several import FIRST_HOST, Place, a_domain, a_shop, an_owner, browser_at, the_platform

pytestmark = pytest.mark.django_db
MUNICH = "xn--mnchen-3ya.example"
# What clients may send as Host that names nobody; what of it reaches us depends on the server.
STRANGE = [
    "",
    "evil.example",
    "evil_.example",
    "evil.example:99999999",
    "two.example,three.example",
    "a b.example",
    "nul\x00.example",
    "a" * 10_000,
    "\xff",
    "xn--a.example",
    "[::1",
    "[::1]:8000",
    "::1",
    "203.0.113.9",
    "north.example.evil.example",
    "north.example/",
    "somebody@north.example",
    "north.example#@evil.example",
]


@pytest.fixture(params=["refuse", "first"])
def unknown(request: pytest.FixtureRequest, settings: Settings) -> str:
    settings.UNKNOWN_HOSTS = request.param
    return str(request.param)


@pytest.fixture
def north(db: None, settings: Settings) -> Place:
    settings.PUBLIC_URL = "https://platform.example"
    the_platform()
    return a_shop("North")


def name_at(host: str, **environ: Any) -> str | int:
    """The name in the head of the landing page, or the status that came instead."""
    answer: Any = Client(raise_request_exception=False).get("/", HTTP_HOST=host, **environ)
    return "North" if "North" in text_of(answer) else answer.status_code


# --- One shop, however its host is written -------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "north.example",
        "NORTH.example:8443",
        "north.example.",
        "north.example.:80",
        "ｎorth.example",
        "north。example",
    ],
)
def test_one_shop_answers_however_its_host_is_written(north: Place, unknown: str, host: str) -> None:
    assert name_at(host) == "North"


@pytest.mark.parametrize(
    "host", ["münchen.example", "MÜNCHEN.example:80", MUNICH, MUNICH.upper(), "m\xc3\xbcnchen.example"]
)
def test_internationalized_names_too(north: Place, unknown: str, host: str) -> None:
    a_domain(north.shop, MUNICH)
    assert name_at(host) == "North"


def test_forms_work_at_every_name_of_a_shop_behind_a_proxy_that_ends_tls(north: Place) -> None:
    a_domain(north.shop, "other.example")
    for host in ("north.example", "other.example", "OTHER.example.", "north.example:443"):
        strict = Client(enforce_csrf_checks=True, HTTP_HOST=host)
        strict.get("/sign-in/")
        name = host.lower().rstrip(".").removesuffix(":443")
        fields = {"email": "x@y.example", "csrfmiddlewaretoken": strict.cookies["csrftoken"].value}
        for origin, status in {
            f"https://{name}": 400,  # the password is wrong, and that was looked at
            "https://platform.example": 403,
            "https://evil.example": 403,
            "null": 403,
        }.items():
            answer = strict.post("/sign-in/", fields, HTTP_ORIGIN=origin)
            assert answer.status_code == status, (host, origin)


def test_platforms_own_forms_work_also_when_the_proxy_keeps_the_host_to_itself(
    north: Place, settings: Settings
) -> None:
    strict = Client(enforce_csrf_checks=True, HTTP_HOST=f"{FIRST_HOST}:8000")
    strict.get("/sign-in/")
    fields = {"email": "x@y.example", "csrfmiddlewaretoken": strict.cookies["csrftoken"].value}
    answer = strict.post("/sign-in/", fields, HTTP_ORIGIN="https://platform.example")
    assert answer.status_code == 400
    answer = strict.post("/sign-in/", fields, HTTP_ORIGIN="https://north.example")
    assert answer.status_code == 403


# --- Nobody, or the first shop -------------------------------------------------------------------


@pytest.mark.parametrize("host", STRANGE)
def test_strange_host_gets_421_or_the_first_shop_and_nothing_else(
    north: Place, unknown: str, host: str
) -> None:
    expected = {"refuse": 421, "first": 200}[unknown]
    for path in ("/", "/sign-in/", "/docs/", "/api/schema"):
        answer = browser_of().get(path, HTTP_HOST=host, SERVER_NAME="198.51.100.7")
        assert answer.status_code == expected, (path, answer.status_code)
        assert not host or host not in answer.content.decode() or host == "evil.example"
        assert "evil" not in answer.content.decode() + str(answer.headers)


def test_nobody_gets_a_plain_page_in_their_language_and_no_cookie(north: Place, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    for path, method in (("/", "get"), ("/sign-in/", "get"), ("/sign-in/", "post"), ("/nowhere", "get")):
        answer = getattr(browser_of(), method)(path, HTTP_HOST="evil.example", HTTP_COOKIE="sessionid=x" * 3)
        assert answer.status_code == 421
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert not answer.cookies
        assert answer.content.decode().startswith("There is no shop at this address. ")
        assert answer["X-Request-Id"]


def test_programs_get_the_envelope_and_openais_clients_theirs(north: Place, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    _key, secret = new_key(an_owner(north, "nora@north.example", "Nora's"))
    answer = generate(secret, HTTP_HOST="evil.example")
    assert error_of(answer, 421)["type"] == "unknown_host"
    assert content(answer)["message"] == "There is no shop at this address"
    for path in (
        "/api/status",
        "/api/v1/generations",
        "/hooks/upstream/task_x/1",
        "/i/img_x.png",
        "/api/nowhere",
    ):
        assert word_of(send("GET", path, key=secret, HTTP_HOST="evil.example")) == (421, "unknown_host")
    problem = send(
        "GET", "/api/status", headers={"Accept": "application/problem+json"}, HTTP_HOST="evil.example"
    )
    assert json.loads(problem.content)["type"] == "https://platform.example/docs/errors/unknown_host"
    openai = send("GET", "/v1/models", key=secret, HTTP_HOST="evil.example")
    assert openai.status_code == 421
    assert json.loads(openai.content)["error"]["code"] == "unknown_host"


def test_what_the_error_means_stands_in_the_docs(north: Place) -> None:
    page: Any = browser_at(north).get("/docs/errors/unknown_host", follow=True)
    assert page.redirect_chain == [("/docs/errors/#unknown_host", 302)]
    assert "421" in text_of(page)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["evil.example", "my_web:8000", "10.0.0.7", "", "\xff", "north.example"])
def test_health_is_asked_by_any_name(north: Place, unknown: str, path: str, host: str) -> None:
    assert browser_of().get(path, HTTP_HOST=host).status_code == 200


def test_metrics_are_asked_by_any_name_and_by_whom_settings_name(north: Place, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    assert browser_of().get("/metrics", HTTP_HOST="evil.example").status_code == 404


# --- What else a client may say ------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_X_FORWARDED_HOST": "north.example"},
        {"HTTP_FORWARDED": "host=north.example"},
        {"HTTP_X_HOST": "north.example"},
        {"HTTP_X_ORIGINAL_HOST": "north.example"},
        {"HTTP_X_FORWARDED_SERVER": "north.example"},
        {"HTTP_ORIGIN": "https://north.example"},
        {"HTTP_REFERER": "https://north.example/"},
        {"SERVER_NAME": "north.example"},
        {"HTTP_COOKIE": "host=north.example; shop=2"},
        {"QUERY_STRING": "host=north.example&shop=2"},
    ],
)
def test_nothing_but_the_host_chooses_a_shop(north: Place, environ: dict[str, str]) -> None:
    assert name_at(FIRST_HOST, **environ) == 200
    assert name_at("north.example", **{**environ, "HTTP_X_FORWARDED_HOST": FIRST_HOST}) == "North"


def test_without_a_host_the_address_counts_that_the_client_came_to(north: Place, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    a_domain(north.shop, "192.0.2.7")
    a_domain(north.shop, "[2001:db8::7]")
    for server in ("192.0.2.7", "2001:db8::7"):
        answer = Client().get("/", HTTP_HOST="", SERVER_NAME=server, SERVER_PROTOCOL="HTTP/1.0")
        assert "North" in text_of(answer), server


def test_links_begin_with_the_shops_address_whichever_of_its_names_is_asked(north: Place) -> None:
    a_domain(north.shop, "other.example")
    page = Client().get("/", HTTP_HOST="OTHER.example:4711").content.decode()
    assert "https://north.example/" in page
    assert "other.example" not in page.lower()
    assert "platform.example" not in page


# --- Domains that change -------------------------------------------------------------------------


def test_domain_that_is_switched_off_leads_nowhere_in_every_mode(north: Place, unknown: str) -> None:
    """In embedded mode too: whoever knows this shop must not be shown another."""
    ShopDomain.objects.filter(host="north.example").update(active=False)
    shops.forget()
    assert name_at("north.example") == 421
    assert name_at("evil.example") == {"refuse": 421, "first": 200}[unknown]


def test_closed_shop_leads_nowhere(north: Place, unknown: str) -> None:
    Shop.objects.filter(pk=north.shop.pk).update(
        closing_at="2026-01-01T00:00:00Z", closed_at="2026-01-02T00:00:00Z"
    )
    shops.forget()
    assert name_at("north.example") == 421


def test_nobody_takes_the_platforms_own_address_by_a_row(north: Place, settings: Settings) -> None:
    a_domain(north.shop, "platform.example")
    a_domain(north.shop, FIRST_HOST)
    assert shops.id_at("platform.example") == shops.first_shop().pk
    assert name_at(FIRST_HOST) == 200
    assert shops.address_of(north.shop.pk) == "https://north.example"


def test_first_shop_is_the_oldest_whatever_becomes_of_it(north: Place) -> None:
    first = shops.first_shop()
    Shop.objects.filter(pk=first.pk).update(
        closing_at="2026-01-01T00:00:00Z", closed_at="2026-01-02T00:00:00Z"
    )
    shops.forget()
    assert shops.first_id() == shops.first_shop().pk == first.pk


def test_changes_are_seen_within_a_second_or_two(north: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being told of them, as in every other process."""
    assert name_at("north.example") == "North"
    ShopDomain.objects.filter(host="north.example").update(active=False)
    assert name_at("north.example") == "North"
    age_hosts(monkeypatch, 1.0)
    assert name_at("north.example") == 421


def test_rows_are_seen_within_a_second_or_two_as_well(north: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_at("north.example") == "North"
    Shop.objects.filter(pk=north.shop.pk).update(name="South")
    age_hosts(monkeypatch, 1.0)
    assert "South" in text_of(Client().get("/", HTTP_HOST="north.example"))


def age_hosts(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    both: list[Kept[Any]] = [shops._hosts, shops._rows._kept]
    for kept in both:
        held = kept._held
        assert held is not None
        monkeypatch.setattr(kept, "_held", (held[0] - seconds, held[1]))


# --- The database is away ------------------------------------------------------------------------


def test_while_the_database_is_away_hosts_lead_where_they_led(
    north: Place, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    assert name_at("north.example") == "North"
    age_hosts(monkeypatch, 3600)
    with database_away():
        page = browser_of().get("/", HTTP_HOST="north.example")
        assert page.status_code == 503
        assert "North" in text_of(page)
        assert browser_of().get("/", HTTP_HOST="evil.example").status_code == 421
        assert send("GET", "/api/status", key="x", HTTP_HOST="north.example").status_code in (401, 503)


def test_process_that_starts_meanwhile_says_that_it_is_away(north: Place) -> None:
    shops.forget()
    with database_away():
        page = browser_of().get("/", HTTP_HOST="north.example")
        assert page.status_code == 503
        assert page["Retry-After"]
        answer = send("GET", "/api/status", key="x", HTTP_HOST="north.example")
        assert word_of(answer) == (503, "unavailable")
        assert browser_of().get("/healthz", HTTP_HOST="north.example").status_code == 200
    assert name_at("north.example") == "North"


def test_directory_that_cannot_be_read_is_no_secret_to_those_who_ask_for_it(north: Place) -> None:
    shops.forget()
    with database_away(), pytest.raises(OperationalError):
        shops.id_at("north.example")
