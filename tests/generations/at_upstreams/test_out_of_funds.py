"""An account without money is told apart from one that is refused: by mail and on the desk, with where to top up."""

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.mail import alerts
from accounts.models import OperatorAlert
from generations import circuit, notices
from generations.models import UpstreamState
from generations.upstream_states import state_of
from tests.generations.at_upstreams.driving import at, ended, order, outcomes
from tests.mail import Mailbox
from tests.upstreams.running import Up

USED_UP, REFUSES = "is used up", "refuses our account"


@pytest.mark.parametrize(
    ("name", "words", "where"),
    [
        ("fal", "up:locked", "https://fal.ai/dashboard/billing"),
        ("replicate", "up:402", "https://replicate.com/account/billing"),
        ("openai_compatible", "up:quota", "http://127.0.0.1:"),
        ("portal", "up:code=402", "http://127.0.0.1:"),
    ],
)
def test_operators_hear_that_the_money_is_gone_and_where_to_pay(
    access: Access,
    ups: dict[str, Up],
    mailbox: Mailbox,
    settings: Settings,
    name: str,
    words: str,
    where: str,
) -> None:
    settings.OPERATOR_EMAILS = ["operator@shop.example"]
    upstream = at(ups[name], name="Main")
    generation = order(access, f"a lighthouse {words}")
    assert ended(generation) == ("failed", "upstream_unavailable")
    assert outcomes(generation) == [("funds", 0)]
    assert UpstreamState.objects.get(pk=upstream.pk).reason == circuit.FUNDS

    assert alerts.send_due() == 1
    [message] = mailbox.messages
    assert message["Subject"] == "[Tintype] Our balance with Main is used up"
    assert f"Top up at {where}" in OperatorAlert.objects.get().body

    [notice] = notices.notices()
    assert (USED_UP in notice.title, REFUSES in notice.title) == (True, False)
    assert f"Top up at {where}" in notice.advice
    upstream.refresh_from_db()
    assert "our balance there is used up" in state_of(upstream)


def test_another_upstream_serves_meanwhile_and_the_circuit_closes_once_it_is_paid(
    access: Access, ups: dict[str, Up]
) -> None:
    poor = at(ups["replicate"], priority=1)
    at(ups["portal"], priority=2)
    ups["replicate"].behave(status=402, body={"title": "Insufficient credit", "status": 402}, times=1)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert [outcome for outcome, _cost in outcomes(generation)] == ["funds", "ok"]
    UpstreamState.objects.filter(pk=poor.pk).update(
        open_until="2020-01-01T00:00:00Z", opened_at="2020-01-01T00:00:00Z"
    )
    probe = order(access)
    assert ended(probe) == ("succeeded", "")
    assert [outcome for outcome, _cost in outcomes(probe)] == ["ok"]
    assert UpstreamState.objects.get(pk=poor.pk).opened_at is None
    assert notices.notices() == []


def test_a_lock_that_no_money_opens_is_a_refusal_of_our_account(access: Access, ups: dict[str, Up]) -> None:
    at(ups["fal"])
    ups["fal"].behave(status=403, body={"detail": "User is locked. Reason: Admin lock."}, times=1)
    generation = order(access)
    assert ended(generation) == ("failed", "upstream_unavailable")
    assert outcomes(generation) == [("account", 0)]
    [notice] = notices.notices()
    assert REFUSES in notice.title
    assert REFUSES in OperatorAlert.objects.get().subject
