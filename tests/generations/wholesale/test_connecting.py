"""A shop is connected with the one that it buys from: a key that nobody sees, an upstream, and nothing twice."""

import pytest
from django.conf import settings

from accounts import api_keys, organizations
from accounts.clock import read_db_now
from accounts.models import ApiKey, AuditEvent, Organization, Shop
from accounts.shops import first_shop
from billing import ledger
from generations import wholesale
from generations.errors import CannotConnect
from generations.models import ModelPrice, Upstream
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import an_organization, an_upstream

pytestmark = pytest.mark.django_db


def test_it_buys_by_a_key_of_the_customers_at_the_sellers_address() -> None:
    organization, shop = an_organization(300, 3_000_000), a_reseller()
    ledger.set_open_limit(organization.pk, 7)
    upstream = wholesale.connect(shop, organization)
    key = ApiKey.objects.get(organization=organization)
    assert wholesale.key_of(upstream) == key
    assert (key.scopes, key.livemode, key.name) == (["generate", "read"], True, shop.name)
    assert key.rate_per_minute == settings.RATE_LIMIT_ORGANIZATION_PER_MINUTE
    found = Upstream.objects.get(shop=shop)
    assert (found.provider, found.base_url) == ("portal", settings.PUBLIC_URL)
    assert (found.inside, found.resends, found.enabled, found.wholesale) == (True, True, True, organization)
    assert (found.concurrency, found.polls_per_second) == (7, 10)
    assert found.cost_micros == 15 * 10_000
    event = AuditEvent.objects.get(organization=organization, action="key_created")
    assert (event.actor, event.subject) == ("system", key.actor)
    assert upstream.credential not in str(event.details)


def test_once_more_it_is_the_same_with_what_has_changed() -> None:
    organization, shop = an_organization(300, 3_000_000), a_reseller()
    first = wholesale.connect(shop, organization)
    Upstream.objects.filter(pk=first.pk).update(base_url="https://old.example", priority=3, concurrency=4)
    ledger.top_up(organization.pk, 300, net_value_micros=0, reference="payment:1:1", actor="system")
    again = wholesale.connect(shop, organization)
    assert again.pk == first.pk
    assert (again.base_url, again.cost_micros) == (settings.PUBLIC_URL, 15 * 5_000)
    assert (again.priority, again.concurrency) == (3, 4), "What the staff entered stays"
    assert ApiKey.objects.filter(organization=organization).count() == 1


def test_a_key_that_was_revoked_is_made_anew() -> None:
    organization, shop = an_organization(300), a_reseller()
    upstream = wholesale.connect(shop, organization)
    old = wholesale.key_of(upstream)
    assert old is not None
    api_keys.revoke_api_key(old)
    assert wholesale.key_of(upstream) is None
    new = wholesale.key_of(wholesale.connect(shop, organization))
    assert new is not None
    assert new != old


def test_what_credits_without_value_cost_is_not_known() -> None:
    organization = an_organization()
    assert wholesale.connect(a_reseller(), organization).cost_micros == 0
    other = a_reseller(currency="eur")
    assert wholesale.connect(other, an_organization(300, 3_000_000)).cost_micros == 0


def test_a_name_that_is_taken_gets_the_customers_beside_it() -> None:
    shop, seller = a_reseller(), first_shop()
    Upstream(shop=shop, name=seller.name, provider="fal").save()
    organization = an_organization()
    assert wholesale.connect(shop, organization).name == f"{seller.name} ({organization.slug})"


def suspended(organization: Organization) -> None:
    assert organizations.suspend(organization)


def closing(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(closing_at=read_db_now())


def seller_suspended(organization: Organization) -> None:
    Shop.objects.filter(pk=organization.shop_id).update(suspended_at=read_db_now())


def without_a_price(organization: Organization) -> None:
    ModelPrice.objects.filter(shop=organization.shop_id).delete()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (suspended, "is suspended: resume it"),
        (closing, "is being deleted"),
        (seller_suspended, "is suspended, or is being closed"),
        (without_a_price, "does not sell z-image-turbo"),
    ],
)
def test_what_cannot_sell_is_refused_with_the_reason(change: object, reason: str) -> None:
    organization = an_organization(300)
    assert callable(change)
    change(organization)
    with pytest.raises(CannotConnect, match=reason):
        wholesale.connect(a_reseller(), organization)
    assert not Upstream.objects.exists()
    assert not ApiKey.objects.filter(organization=organization).exists()


def test_a_shop_is_not_its_own_customer() -> None:
    shop = a_reseller()
    with pytest.raises(CannotConnect, match="a customer of"):
        wholesale.connect(shop, an_organization(shop=shop))


def test_a_seller_without_an_address_is_refused() -> None:
    seller = a_reseller()
    seller.domains.all().delete()
    with pytest.raises(CannotConnect, match="has no address"):
        wholesale.connect(a_reseller(), an_organization(shop=seller))


def test_circles_are_refused_however_long_they_are() -> None:
    platform, first, second = first_shop(), a_reseller(), a_reseller()
    wholesale.connect(first, an_organization(shop=platform))
    wholesale.connect(second, an_organization(shop=first))
    with pytest.raises(CannotConnect, match="in a circle"):
        wholesale.connect(platform, an_organization(shop=first))
    with pytest.raises(CannotConnect, match="in a circle"):
        wholesale.connect(platform, an_organization(shop=second))
    Upstream.objects.filter(shop=second).update(enabled=False)
    assert wholesale.connect(platform, an_organization(shop=second)).shop == platform


def test_a_circle_that_was_entered_by_hand_is_seen() -> None:
    shop = a_reseller("seller.example")
    port = settings.PUBLIC_URL.rpartition(":")[2]
    assert wholesale.circle_by(shop.pk, f"http://SELLER.example:{port}/")
    assert not wholesale.circle_by(shop.pk, "http://seller.example:30000"), "An engine on the same machine"
    assert not wholesale.circle_by(shop.pk, settings.PUBLIC_URL)
    an_upstream("openai_compatible", base_url=f"http://seller.example:{port}")
    assert wholesale.circle_by(shop.pk, settings.PUBLIC_URL)


def test_a_full_customer_gets_no_further_key() -> None:
    organization = an_organization()
    for _ in range(api_keys.MAX_LIVE_KEYS):
        api_keys.create_api_key(organization, livemode=True)
    with pytest.raises(api_keys.TooManyKeys):
        wholesale.connect(a_reseller(), organization)
