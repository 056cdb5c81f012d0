"""A shop with a brand of its own names nobody else's: not the product's word, nor another shop's name or address, on no
page, in no answer of the API, in no mail, in no header, in no file that its pages name.
"""

import html
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client
from pytest_django import Settings

from accounts import sealing, shops, terms
from accounts.mail import letters, outbox
from accounts.models import SCOPES, QueuedMail, Shop
from billing.models import StoppedReason
from config import brand
from config.docs import openapi
from generations import lifecycle, runner
from tests import branded
from tests.accounts.client import content, send
from tests.cast import Person, give_credits, new_key
from tests.makers import a_paid_payment, a_request, an_access
from tests.pages import database_away
from tests.processes import ROOT
from tests.routes import routes
from tests.several import an_owner, browser_at
from webhooks import errands, outbound
from webhooks.event_types import EVENT_TYPES
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.publishing import publish
from webhooks.secrets import new_secret

pytestmark = pytest.mark.django_db

HOST = "platten.example"
LINK = re.compile(r'(?:href|src|action)="([^"]+)"|content="(http[^"]+)"|url\(([^)]+)\)')
# Addresses whose answer may hold the word, with the reason. /metrics names a metric of an installation, and is asked by
# whoever runs it: no customer reaches it, and it belongs to no shop.
ALLOWED = {"/metrics": "of the installation, for who runs it"}
# What a look at them would do.
NOT_TO_OPEN = ("/sign-out/", "/metrics")


@dataclass(frozen=True, slots=True)
class Seen:
    path: str
    status: int
    text: str


@pytest.fixture(autouse=True)
def reached_by_customers(settings: Settings) -> None:
    """A demo's page of mails is at the platform's own address, for who sits at the machine; no customer sees it."""
    settings.MAILS_PAGE = False


@pytest.fixture
def shop() -> Shop:
    """Beside the platform's own shop, which bears the product's name."""
    assert shops.first_shop().name == "Tintype"
    return branded.a_shop(HOST, branded.PLATES, with_logo=True)


@pytest.fixture
def dora(shop: Shop) -> Person:
    """A customer of it who has some of everything."""
    dora = an_owner(shop, "dora@harbour.example", "Harbour & Söhne", credits=0)
    organization = dora.organization
    versions = {str(document.kind): document.version for document in terms.asked(shop)}
    assert terms.accept(dora.user, shop, versions) == []
    give_credits(organization, 1000)
    new_key(dora, name="catalogue")
    access = an_access(organization)
    for prompt in ("a lighthouse", "sandbox:failed"):
        runner.run(lifecycle.submit(access, a_request(prompt), endpoint="test").pk)
    a_paid_payment(organization)
    WebhookEndpoint.objects.create(
        organization=organization,
        livemode=True,
        url="https://harbour.example/hooks",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    publish(organization.pk, "credits.added", livemode=True, data={"credits": 1})
    return dora


def strangers(seen: Iterable[Seen]) -> list[str]:
    """Where somebody else is named, with what stands around it."""
    word = re.compile(rf"tintype|{re.escape(settings.PUBLIC_URL)}", re.IGNORECASE)
    found = ((one, word.search(one.text)) for one in seen if one.path not in ALLOWED)
    return [
        f"{one.path}: …{one.text[max(0, hit.start() - 60) : hit.end() + 60]}…" for one, hit in found if hit
    ]


def look(client: Client, path: str) -> Seen:
    """Headers belong to it."""
    if path.startswith(settings.STATIC_URL):
        file = settings.STATIC_ROOT / path.removeprefix(settings.STATIC_URL)
        return Seen(path, 200, file.read_bytes().decode("latin-1"))
    answer: Any = client.get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    head = "\n".join(f"{name}: {value}" for name, value in answer.items())
    cookies = answer.cookies.output()
    return Seen(path, answer.status_code, f"{head}\n{cookies}\n{body.decode('utf-8', 'replace')}")


def crawl(client: Client, starts: Iterable[str]) -> Iterator[Seen]:
    """All that can be reached by links from there, each page once, whatever its query; images need theirs."""
    waiting, known = deque(starts), set(starts)
    while waiting:
        seen = look(client, waiting.popleft())
        yield seen
        for either in LINK.findall(seen.text):
            link = html.unescape("".join(either)).strip("'\"")
            target = urlsplit(urljoin(f"http://{HOST}:8000{seen.path}", link))
            path = f"{target.path}?{target.query}" if target.path.startswith("/i/") else target.path
            if target.hostname == HOST and path not in known and not path.startswith(NOT_TO_OPEN):
                known.add(path)
                waiting.append(path)


def without_arguments() -> list[str]:
    found = (route for route in routes() if not route.arguments and "(?P" not in route.pattern)
    return [path for path in (f"/{route.pattern.lstrip('^')}" for route in found) if path not in NOT_TO_OPEN]


def test_pages_for_anybody_in_all_its_languages(shop: Shop) -> None:
    seen = list(crawl(browser_at(shop), ["/", "/de/", "/robots.txt", "/sitemap.xml", *without_arguments()]))
    paths = {one.path for one in seen if one.status == 200}
    assert {"/docs/reference/", "/de/docs/reference/", "/de/pricing/", "/sign-up/", "/api/schema"} <= paths
    assert any(path.startswith("/logo/") for path in paths)
    assert any(path.startswith("/card/") for path in paths)
    assert any(path.endswith(".css") for path in paths)
    assert strangers(seen) == []


def test_pages_of_its_customers(dora: Person, shop: Shop) -> None:
    seen = list(crawl(browser_at(shop, dora), ["/home/", *without_arguments()]))
    opened = {one.path for one in seen if one.status == 200}
    assert {"/playground/", "/gallery/", "/credits/", "/keys/", "/webhooks/", "/team/", "/audit/"} <= opened
    assert any(re.fullmatch(r"/gallery/task_\w+/", path) for path in opened)
    assert any(path.startswith("/i/") for path in opened)
    assert strangers(seen) == []


def test_answers_of_its_api(dora: Person, shop: Shop) -> None:
    _key, secret = new_key(dora, scopes=SCOPES)
    document = openapi.document(openapi.Publisher(shop.name, shops.address_of(shop.pk)))
    seen = []
    for path, method, operation in openapi.operations(document):
        call = openapi.example_call(path, method, operation, "", secret)
        waits = path == "/v1/images/generations"  # for an image that nobody makes here
        for body in ({} if waits else call.body or b"", {"prompt": "\x00"}):
            for more in ({}, {"Accept": "application/problem+json"}):
                answer = send(call.method, call.address, key=secret, body=body, headers=more, HTTP_HOST=HOST)
                head = "\n".join(f"{name}: {value}" for name, value in answer.items())
                seen.append(Seen(f"{method} {path}", answer.status_code, head + answer.content.decode()))
    for key in (None, "tt_live_nobody"):
        answer = send("GET", "/api/v1/balance", key=key, HTTP_HOST=HOST)
        seen.append(Seen("refused", answer.status_code, answer.content.decode()))
    assert {one.status for one in seen} >= {200, 400, 401, 404}
    assert strangers(seen) == []
    models = content(send("GET", "/v1/models", key=secret, HTTP_HOST=HOST))["data"]
    assert {model["owned_by"] for model in models} == {"Plattenwerk Süd"}


def test_schema_is_the_shops_own(shop: Shop) -> None:
    document = browser_at(shop).get("/api/schema").json()
    address = f"http://{HOST}:8000"
    assert document["servers"] == [{"url": address}]
    assert document["info"]["title"] == "Plattenwerk Süd API"
    assert document["info"]["contact"] == {
        "name": "Plattenwerk Süd",
        "url": f"{address}/",
        "email": "hilfe@platten.example",
    }
    assert document["info"]["termsOfService"] == "https://platten.example/agb"
    assert document["components"]["schemas"]["OpenAIModel"]["properties"]["owned_by"]["examples"] == [
        "Plattenwerk Süd"
    ]
    samples = [
        sample["source"] for *_rest, one in openapi.operations(document) for sample in one["x-codeSamples"]
    ]
    assert all(address in sample for sample in samples)


def every_mail() -> list[str]:
    return sorted(file.stem for file in (ROOT / "templates" / "emails").glob("*.txt"))


@pytest.mark.parametrize("language", ["en", "de"])
def test_mails_as_text_and_in_its_colours(dora: Person, shop: Shop, language: str) -> None:
    key, _secret = new_key(dora)
    context = {
        "organization": dora.organization,
        "credits_url": f"{shops.address_of(shop.pk)}/credits/",
        "key": key,
        "endpoint": WebhookEndpoint.objects.get(),
        "news": "Your password was changed.",
        "reason": StoppedReason.DECLINED.label,
        **dict.fromkeys(("token", "name", "inviter", "role", "uid", "price", "cap", "spent"), "x"),
        **dict.fromkeys(("available", "threshold", "days", "count"), 3),
        "until": dora.organization.created_at,
    }
    for name in every_mail():
        outbox.queue_template(shop, "gus@mole.example", name, {"key": "ab-cd", **context}, language=language)
    seen = []
    for mail in QueuedMail.objects.order_by("pk"):
        message = letters.letter(shop, mail.subject, mail.body, [mail.to], mail.html)
        seen.append(Seen(mail.template, 0, str(message.message()) + mail.html))
        assert f"http://{HOST}:8000/logo/" in mail.html
        assert "#1d5f8a" in mail.html
    assert [one.path for one in seen] == every_mail()
    assert strangers(seen) == []


def test_webhooks_of_its_customers(dora: Person) -> None:
    delivery = WebhookDelivery.objects.get()
    body = errands.body_of(delivery)
    assert body is not None
    sent = f"{errands.signed_headers(delivery, body)} {body} {outbound.USER_AGENT}"
    assert strangers([Seen("webhook", 0, sent)]) == []


def test_errors_also_while_the_database_is_away(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser_at(shop)
    seen = [look(client, "/nothing"), look(client, "/api/nothing"), look(client, "/i/img_x.jpeg?e=1&s=2")]
    with database_away():
        seen += [look(client, "/"), look(client, "/api/status")]
        monkeypatch.setattr(brand, "_last", {})  # of a process that has never seen it
        shops.forget()
        seen += [look(client, "/"), look(client, "/api/status")]
    assert {one.status for one in seen} >= {404, 503}
    assert strangers(seen) == []
    assert "Plattenwerk" in seen[0].text
    assert "<title>The shop is away for a moment</title>" in seen[-2].text


def test_every_mail_has_a_template_that_can_be_read() -> None:
    assert "frame" not in every_mail()
    assert all(get_template(f"emails/{name}.txt") for name in every_mail())
