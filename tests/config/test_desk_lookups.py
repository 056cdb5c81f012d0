"""What lists may be asked for by their addresses: the filters that they offer, and no other column. A condition on what
no page shows would tell it all the same, sign by sign, by whether a row is there.
"""

import pytest

from accounts.models import ApiKey, QueuedMail, Shop, User
from generations.models import Upstream
from tests.config.desk_rows import everything
from tests.config.desk_shops import SECOND, Desk, a_desk
from tests.operators import desk_of, operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    found = a_desk(SECOND, "second.example")
    everything(found.name, found.shop)
    return found


def secrets_of(shop: Shop) -> dict[str, str]:
    """Addresses of lists with a condition that is true, on what nobody is shown there."""
    key = ApiKey.objects.get(organization__shop=shop)
    member = User.objects.get(memberships__organization__shop=shop)
    mail = QueuedMail.objects.filter(shop=shop).latest("pk")
    upstream = Upstream.objects.filter(shop=shop).latest("pk")
    return {
        "accounts/apikey/?digest__startswith=": key.digest[:4],
        "accounts/user/?password__startswith=": member.password[:4],
        "accounts/user/?is_staff__exact=": "0",
        "accounts/user/?last_login__isnull=": "1",
        "accounts/user/?desks__isnull=": "1",
        "accounts/user/?memberships__gt=": "0",
        "accounts/queuedmail/?body__contains=": mail.body[:4],
        "accounts/queuedmail/?pk__gt=": "0",
        "generations/upstream/?sealed_credential__startswith=": upstream.sealed_credential[:4],
        "generations/upstream/?wholesale__isnull=": "1",
    }


def test_no_list_answers_to_a_condition_on_what_it_does_not_offer(desk: Desk) -> None:
    client = desk.browser(desk.staff())
    for path, value in secrets_of(desk.shop).items():
        assert client.get(f"/admin/{path}{value}").status_code == 400, path


def test_neither_do_those_of_the_platform(desk: Desk) -> None:
    client = desk_of(operator())
    for path, value in secrets_of(desk.shop).items():
        if "is_staff" not in path:  # a filter there
            assert client.get(f"/admin/{path}{value}").status_code == 400, path
    assert client.get("/admin/accounts/user/?is_staff__exact=0").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "accounts/user/?is_active__exact=1",
        "accounts/apikey/?livemode__exact=1&frozen_at__isempty=1&since=2026-01-01&until=2036-01-01&before=999999",
        "accounts/queuedmail/?sent_at__isempty=1",
        "accounts/auditevent/?action__exact=key.created",
        "generations/generation/?status=open&livemode__exact=1&organization__id__exact=1",
        "generations/attempt/?outcome=open&upstream__id__exact=1",
        "generations/billedday/?upstream__isnull=True",
        "billing/payment/?status__exact=paid&kind__exact=checkout",
        "billing/ledgerentry/?kind=capture&wallet__id__exact=1",
        "accounts/queuedmail/?q=&e=1",
    ],
)
def test_filters_are_taken(desk: Desk, path: str) -> None:
    assert desk.browser(desk.staff()).get(f"/admin/{path}").status_code == 200
