"""What those who set up webhooks read when an endpoint was switched off."""

import pytest
from django.core import mail as outgoing

from accounts.mail import outbox
from accounts.models import Organization
from tests.cast import Person
from tests.makers import ago
from tests.webhooks.customers.telling import FIVE_DAYS_S, an_endpoint, send_due
from tests.webhooks.receiver import Receiver, Reply
from webhooks.models import WebhookEndpoint
from webhooks.publishing import publish_to

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "livemode", "words"),
    [
        (410, True, "answered 410 Gone, so nothing more is sent to it:"),
        (503, False, "For 5 days every try to reach an endpoint"),
    ],
)
def test_mail_says_which_endpoint_why_and_where_to_go(
    alice: Person, receiver: Receiver, status: int, livemode: bool, words: str
) -> None:
    Organization.objects.filter(pk=alice.organization.pk).update(name="O'Brien & <Sons>")
    endpoint = an_endpoint(alice, receiver, livemode=livemode)
    url = receiver.url + "/" + "long" * 300
    WebhookEndpoint.objects.update(url=url, failing_since=ago(FIVE_DAYS_S + 60))
    receiver.answer = lambda _: Reply(status)
    publish_to(endpoint, "webhook.test", {})
    send_due()
    assert outbox.send_due() == 1
    [sent] = outgoing.outbox
    assert sent.to == [alice.user.email]
    assert "O'Brien & <Sons>" in sent.subject
    assert words in sent.body
    assert f"\n{url}{'' if livemode else ' (test mode)'}\n" in sent.body
    assert f"http://localhost:8000/webhooks/{endpoint.public_id}/\n" in sent.body
    assert "&amp;" not in sent.body
    assert max(len(line) for line in sent.message().as_bytes().splitlines()) < 998
