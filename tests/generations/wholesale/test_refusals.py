"""A shop that its seller refuses: its staff read what to do and where, and it goes on by itself once that is done."""

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from accounts import api_keys, organizations, shops
from accounts.models import ApiKey, OperatorAlert, Shop
from billing import ledger
from generations import circuit, conduct, lifecycle, notices, sweeps, wholesale
from generations.catalogue import DEFAULT_MODEL
from generations.models import ImageModel, ModelPrice, Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from tests.generations.wholesale.sellers import a_reseller, begun, connected, taken
from tests.makers import ago, an_upstream, new_reference

pytestmark = pytest.mark.django_db
NO_CREDITS = 'HTTP 402: {"code":402,"message":"Insufficient credits"}'


def refused(upstream: Upstream, detail: str = NO_CREDITS) -> None:
    kind = OutcomeKind.FUNDS if detail.startswith("HTTP 402") else OutcomeKind.ACCOUNT
    circuit.report(upstream.pk, kind, detail)


def is_open(upstream: Upstream) -> bool:
    return UpstreamState.objects.get(pk=upstream.pk).opened_at is not None


def fill(upstream: Upstream, credits: int = 15) -> None:
    assert upstream.wholesale_id is not None
    reference = new_reference()
    ledger.top_up(upstream.wholesale_id, credits, net_value_micros=0, reference=reference, actor="system")


def what(upstream: Upstream) -> str | None:
    found = wholesale.obstacle_of(Upstream.objects.get(pk=upstream.pk))
    return found.what if found else None


def test_out_of_credits_its_staff_are_told_where_to_buy_some() -> None:
    upstream = connected(credits=0)
    refused(upstream)
    alert = OperatorAlert.objects.get()
    assert alert.shop == upstream.shop
    assert upstream.wholesale is not None
    assert (
        f"Buy credits for {upstream.wholesale.name} at {django_settings.PUBLIC_URL}/credits/." in alert.body
    )
    assert "402" not in alert.body
    [notice] = notices.notices()
    assert "Buy credits for" in notice.advice


def test_it_goes_on_once_there_are_credits_for_one_image() -> None:
    upstream = connected(credits=0)
    refused(upstream)
    fill(upstream, 14)
    assert sweeps.open_again() == 0
    fill(upstream, 1)
    assert sweeps.open_again() == 1
    assert not is_open(upstream)
    assert OperatorAlert.objects.count() == 1


def test_it_goes_on_also_when_its_seller_was_away_meanwhile() -> None:
    upstream = connected(credits=0)
    refused(upstream)
    opened = UpstreamState.objects.filter(pk=upstream.pk)
    opened.update(opened_at=ago(90), open_until=ago(30))
    probe = begun(upstream)
    assert lifecycle.hand_back(
        probe.generation, 0, attempt=probe, outcome="busy", detail="no answer", limited=False
    )
    assert sweeps.open_again() == 0
    fill(upstream)
    assert sweeps.open_again() == 1
    assert not is_open(upstream)


def test_what_stands_in_the_way_is_found_out_and_whether_it_is_gone() -> None:
    upstream = connected()
    customer = upstream.wholesale
    assert customer is not None
    assert what(upstream) is None
    organizations.suspend(customer)
    assert what(upstream) == "suspended"
    organizations.resume(customer)
    key = wholesale.key_of(upstream)
    assert key is not None
    ledger.set_key_limits(key.pk, day_cap=14)
    assert what(upstream) == "credits", "Its cap is below the price"
    refused(upstream)
    assert "spend cap" in OperatorAlert.objects.latest("pk").body
    assert sweeps.open_again() == 0, "Closing it would only make orders fail"
    ledger.set_key_limits(key.pk, day_cap=15)
    assert sweeps.open_again() == 1
    assert api_keys.freeze_api_key(key, "leaked")
    refused(upstream, "HTTP 401: no")
    assert what(upstream) == "key"
    assert "/keys/" in OperatorAlert.objects.latest("pk").body
    assert sweeps.open_again() == 0
    api_keys.thaw_api_key(key)
    assert sweeps.open_again() == 1


@pytest.mark.parametrize(
    ("limits", "found"),
    [({"scopes": ["read"]}, "key"), ({"allowed_addresses": ["192.0.2.0/24"]}, None)],
)
def test_a_key_that_may_not_order_is_not_tried_again_and_again(
    limits: dict[str, list[str]], found: str | None
) -> None:
    upstream = connected()
    key = wholesale.key_of(upstream)
    assert key is not None
    ApiKey.objects.filter(pk=key.pk).update(**limits)
    refused(upstream, "HTTP 403: This key may not do that")
    assert what(upstream) == found
    assert sweeps.open_again() == 0
    assert is_open(upstream)
    assert OperatorAlert.objects.count() == 1
    ApiKey.objects.filter(pk=key.pk).update(scopes=["generate", "read"], allowed_addresses=[])
    assert sweeps.open_again() == 1


def test_whose_seller_has_moved_is_not_tried_again_and_again() -> None:
    """Who answers at its old address, such as the platform, knows no such key, and the seller's books do not say so."""
    upstream = connected()
    a_reseller("other.example")
    here = Upstream.objects.filter(pk=upstream.pk)
    for host in ("other.example", "gone.example"):
        here.update(base_url=shops.address_at(host))
        refused(upstream, "HTTP 401: Invalid API key")
        assert what(upstream) is None
        assert sweeps.open_again() == 0
        assert is_open(upstream)
    assert OperatorAlert.objects.count() == 1
    here.update(base_url=upstream.base_url)
    assert sweeps.open_again() == 1


def test_a_debt_is_named_as_one() -> None:
    upstream = connected(credits=10)
    assert upstream.wholesale_id is not None
    ledger.claw_back(upstream.wholesale_id, 20, value_micros=0, reference="payment:9:9", actor="system")
    assert what(upstream) == "credits"
    assert "owes credits" in wholesale.advice_for(upstream.pk)


def sell(shop: Shop, slug: str, credits: int) -> None:
    model, _created = ImageModel.objects.get_or_create(slug=slug, defaults={"name": slug})
    ModelPrice.objects.create(shop=shop, model=model, credits=credits)


def test_it_is_not_tried_before_there_are_credits_for_the_dearest_that_it_buys() -> None:
    upstream = connected(credits=0)
    assert upstream.wholesale is not None
    sell(upstream.wholesale.shop, "grand", 40)
    sell(upstream.wholesale.shop, "not-bought", 500)
    Upstream.objects.filter(pk=upstream.pk).update(
        model_names={DEFAULT_MODEL: DEFAULT_MODEL, "large": "grand"}
    )
    refused(upstream)
    fill(upstream, 39)
    assert what(upstream) == "credits"
    assert sweeps.open_again() == 0, "The next order of the dear one would be refused, and told, again"
    fill(upstream, 1)
    assert what(upstream) is None
    assert sweeps.open_again() == 1


def test_a_seller_without_the_usual_model_serves_what_else_it_is_asked_for() -> None:
    upstream = connected(credits=100)
    assert upstream.wholesale is not None
    seller = upstream.wholesale.shop
    sell(seller, "grand", 40)
    ModelPrice.objects.filter(shop=seller, model__slug=DEFAULT_MODEL).delete()
    assert what(upstream) == "price"
    Upstream.objects.filter(pk=upstream.pk).update(model_names={DEFAULT_MODEL: "grand"})
    assert what(upstream) is None


def test_what_credits_do_not_mend_stays_closed() -> None:
    upstream = connected()
    refused(upstream, "HTTP 404: no such page")
    assert sweeps.open_again() == 0
    assert is_open(upstream)


def test_a_shop_is_not_paused_for_what_its_customers_ask(settings: Settings) -> None:
    """Its own rules pause those of them who do: of thousands there are always some."""
    settings.REFUSALS_BEFORE_PAUSE = 1
    attempt = begun(connected())
    order = taken(attempt)
    working = lifecycle.claim(order.pk)
    assert working is not None
    at_seller = lifecycle.mark_submitted(working, "sandbox")
    assert lifecycle.fail(working, "content_rejected", attempt=at_seller, outcome="rejected")
    assert not conduct.note_refusal(working)
    assert lifecycle.fail(attempt.generation, "content_rejected", attempt=attempt, outcome="rejected")
    assert conduct.note_refusal(attempt.generation)


def test_upstreams_elsewhere_are_left_to_their_probes() -> None:
    elsewhere = an_upstream()
    refused(elsewhere)
    assert sweeps.open_again() == 0
    assert wholesale.advice_for(elsewhere.pk) == ""
    assert "is used up" in OperatorAlert.objects.get().subject
