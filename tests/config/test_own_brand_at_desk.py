"""At the desk of a shop with a brand of its own each kind of its staff finds nobody else's name either: on no page,
in no file that is made there, in no mail that comes to them.
"""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from accounts import shops, staff_roles
from accounts.mail import alerts, letters
from accounts.models import AlertKind, QueuedMail, StaffRole, User
from accounts.signing import second_factor
from tests import branded
from tests.config.desk_rows import everything
from tests.config.desk_shops import Desk, addresses, rows_of
from tests.config.test_own_brand import HOST, Seen, crawl, look, strangers
from tests.mail import Mailbox
from tests.operators import operator
from tests.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.everyday_on("sqlite")]


MARGIN = "/admin/generations/billedday/"


@pytest.fixture
def desk(settings: Settings) -> Desk:
    """With a row of everything."""
    settings.MAILS_PAGE = False
    settings.STAFF_SECOND_FACTOR = False
    assert shops.first_shop().name == "Tintype"
    shop = branded.a_shop(HOST, branded.PLATES, with_logo=True)
    everything("bertoldina", shop)
    return Desk(shop, HOST, "bertoldina")


def pages_of(desk: Desk) -> Iterator[str]:
    """All that take no row, and the page of the newest row of each list with what is done to it."""
    for address in addresses():
        if "(?P" in address.path or not address.name or address.name in ("logout", "jsi18n"):
            continue
        if address.model is None:
            if "<" not in address.path:
                yield address.path
        elif address.path.count("<") == 1 and (row := rows_of(address.model, desk.shop).last()) is not None:
            yield address.of(row.pk)


def files_of(client: Client) -> Iterator[Seen]:
    """What a click makes a file of."""
    for by in ("day", "customer", "upstream", "model", "task"):
        yield look(client, f"{MARGIN}margin/?by={by}&file=1")
    yield look(client, f"{MARGIN}leakage/?file=1")


@pytest.mark.parametrize("role", list(StaffRole))
def test_pages_and_files(desk: Desk, role: StaffRole) -> None:
    client = desk.browser(desk.staff(role))
    seen = [*crawl(client, ["/admin/", *pages_of(desk)]), *files_of(client)]
    opened = {one.path for one in seen if one.status == 200 and one.path.startswith("/admin/")}
    assert len(opened) > 15, opened
    assert strangers(seen) == []
    assert all("Plattenwerk" in one.text for one in seen if one.path in opened and "<title>" in one.text)


def test_mails_to_them(desk: Desk, mailbox: Mailbox) -> None:
    boss, helper = operator(), desk.staff(StaffRole.SUPPORT)
    staff_roles.give(desk.shop, helper, StaffRole.FINANCE, by=boss, reason="as agreed")
    staff_roles.end(desk.shop, helper, by=boss, reason="as agreed")
    desk.staff()
    alerts.raise_alert(desk.shop.pk, AlertKind.ACCOUNT, "Portal refuses our account", "It answered: HTTP 402")
    assert alerts.send_due() >= 1
    seen = [Seen("alert", 0, message.as_string()) for message in mailbox.messages]
    # Who works there and belongs to no organization hears of their account in the name of that shop as well.
    clerk = desk.staff(StaffRole.FINANCE)
    Authenticator.objects.create(user=clerk, type=Authenticator.Type.TOTP, data={})
    assert second_factor.reset(clerk, reason="as the letter says")
    for mail in QueuedMail.objects.filter(to__in=[helper.email, clerk.email]).select_related("shop"):
        message = letters.letter(mail.shop, mail.subject, mail.body, [mail.to], mail.html)
        seen.append(Seen(mail.template, 0, str(message.message()) + mail.html))
    assert {one.path for one in seen} >= {"alert", "staff", "account_news"}
    assert strangers(seen) == []


def test_a_strangers_view_of_the_desk_names_nobody_either(desk: Desk) -> None:
    client = desk.browser(User.objects.get(email="bertoldina@desk.example"))
    seen = [look(client, path) for path in ("/admin/", "/admin/nothing/", "/admin/billing/payment/")]
    assert {one.status for one in seen} == {404}
    assert strangers(seen) == []
    assert "Plattenwerk" in text_of(client.get("/admin/"))
