"""What a running shop writes down at its most talkative: the ids of what it is about; no prompts, keys, passwords or
addresses.
"""

import json
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from accounts import sealing
from accounts.api_keys import create_api_key
from accounts.mail import outbox
from accounts.models import QueuedMail
from config.celery import app
from generations.models import Generation
from tests import mail
from tests.cast import found, give_credits
from tests.faults.books import wait_until_all_have_ended
from tests.passwords import PASSWORD
from tests.processes import free_port
from tests.shop import RunningShop, start
from tests.waiting import wait_until
from webhooks.event_types import EVENT_TYPES
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.secrets import new_secret

pytestmark = pytest.mark.everyday_on("sqlite")
OWNER, UNKNOWN = "someone@studio.example", "nobody@gone.example"


def sign_in(shop: RunningShop, password: str) -> int:
    """The status of the answer, as a browser gets it in the end."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{shop.base_url}/sign-in/", timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    fields = {"email": OWNER, "password": password, "csrfmiddlewaretoken": token[1]}
    try:
        data = urllib.parse.urlencode(fields).encode()
        return int(opener.open(f"{shop.base_url}/sign-in/", data, timeout=30).status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_log_tells_nothing_of_people(committed_db: None, tmp_path: Path) -> None:
    person = found(OWNER, "Quiet")
    give_credits(person.organization, 100)
    _row, key = create_api_key(person.organization, livemode=True)
    with mail.running() as mailbox:
        mailbox.unknown.add(UNKNOWN)
        changes = {"EMAIL_URL": f"smtp://127.0.0.1:{mailbox.port}", "LOG_LEVEL": "DEBUG", "SWEEP_S": "0.3"}
        changes |= {"LOG_FORMAT": "json", "OUTBOUND_LOOPBACK": "1"}
        secret, nobody = new_secret(), f"http://127.0.0.1:{free_port()}/hooks?token=hush-hush"
        WebhookEndpoint.objects.create(
            organization=person.organization,
            livemode=True,
            url=nobody,
            events=list(EVENT_TYPES),
            sealed_secret=sealing.seal(secret),
        )
        with start(tmp_path, SANDBOX_SECONDS="0", **changes) as shop:
            task = shop.order(key, "a walrus in a hat")
            shop.order(key, "sandbox:failed a walrus in a hat")
            refused, _headers, _body = shop.ask("POST", "/api/generate", key, {"prompt": "a walrus" * 200})
            stranger, _headers, _body = shop.ask("GET", "/api/status?task_id=task_x", key[:-1])
            assert (refused, stranger) == (400, 401)
            assert (sign_in(shop, "not my password"), sign_in(shop, PASSWORD)) == (400, 200)
            wait_until_all_have_ended()
            for to in (OWNER, UNKNOWN):
                outbox.queue(person.organization.shop_id, to, "Hello", "Dear walrus", template="hello")
            app.send_task("accounts.tasks.send_mail", queue="webhooks")
            tried = QueuedMail.objects.filter(tries=1)
            wait_until(lambda: tried.count() == 2 and len(mailbox.raw) == 1, "the mails to be tried", 30)
            wait_until(
                lambda: WebhookDelivery.objects.filter(claim__gte=1).exists(), "a webhook to be tried", 30
            )
            wait_until(lambda: "could not be sent" in shop.processes.err, "the log to say so", 30)
            log = shop.processes.err + shop.processes.out.partition("Ctrl-C stops it.")[2]
    assert "Mail" in log
    for unwanted in ("walrus", OWNER, UNKNOWN, "someone", key, key[9:], PASSWORD, "not my password"):
        assert unwanted not in log
    assert not {word for word in ("hush-hush", secret, secret[6:]) if word in log}
    request_id = Generation.objects.values_list("request_id", flat=True).get(task_id=task)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    of_it = {line["logger"] for line in lines if line.get("request_id") == request_id}
    assert {"generations.lifecycle.accepting", "generations.runner"} <= of_it, "In web as in the worker"
