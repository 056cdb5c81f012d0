"""What a shop's staff learn from its list of mail: whether it goes out, and nothing of accounts that others made."""

import pytest

from accounts.mail import outbox
from accounts.models import QueuedMail
from accounts.signing.adapter import ASKED_FOR
from tests.config.desk_shops import SECOND, a_desk
from tests.operators import desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/queuedmail/"
TO = "somebody@elsewhere.example"


def test_a_shops_staff_do_not_learn_who_has_an_account_because_of_another_shop() -> None:
    """Anybody may ask for a link at their shop, and would read here which of the two mails was sent."""
    desk = a_desk(SECOND, "second.example")
    client = desk.browser(desk.staff())
    told = set()
    for template in set(ASKED_FOR.values()):
        outbox.queue(desk.shop.pk, TO, "Hello", "Hello", template=template)
        mail = QueuedMail.objects.get()
        for path in (LIST, f"{LIST}{mail.pk}/change/"):
            page = client.get(path)
            assert page.status_code == 200
            assert template not in page.content.decode()
        told.add(text_of(client.get(LIST)).count("account"))
        assert template in text_of(desk_of(operator()).get(LIST))
        mail.delete()
    assert len(told) == 1


def test_what_else_was_sent_is_told() -> None:
    desk = a_desk(SECOND, "second.example")
    outbox.queue(desk.shop.pk, TO, "Hello", "Hello", template="low_balance")
    assert "low_balance" in text_of(desk.browser(desk.staff()).get(LIST))
