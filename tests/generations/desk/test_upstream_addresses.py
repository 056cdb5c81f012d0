"""Where an upstream may lead: anywhere for whoever runs the installation, not into our network for a shop's staff."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from pytest_django import Settings

from accounts.models import User
from accounts.shops import first_shop
from generations.admin.upstreams import UpstreamAdmin
from generations.models import Upstream
from generations.wholesale import connect
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import an_organization, an_upstream
from tests.operators import desk_of, entered, operator

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/upstream/"
PUBLIC = "https://93.184.216.34"
SECRET = "sk-very-secret-credential"


def sent(row: Upstream, user: User, shop_id: int, **fields: Any) -> Any:
    """The form as this person sends it at the desk of this shop, saved if it may be; the form with its errors."""
    request = RequestFactory().post(LIST)
    request.user = user
    request.shop_id = shop_id  # type: ignore[attr-defined]  # as middleware sets it
    model_admin = UpstreamAdmin(Upstream, admin.site)
    form = model_admin.get_form(request, row)(entered(**fields), instance=row)
    if form.is_valid():
        form.save()
    return form


@pytest.fixture
def row() -> Upstream:
    """Of a reseller, as its staff entered it."""
    return an_upstream(shop=a_reseller(), base_url=PUBLIC, credential=SECRET, inside=False, provider="portal")


def staff_sends(row: Upstream, **fields: Any) -> Any:
    usual = {"name": row.name, "provider": row.provider, "base_url": row.base_url}
    return sent(Upstream.objects.get(pk=row.pk), operator(), row.shop_id, **{**usual, **fields})


def platform_sends(row: Upstream, **fields: Any) -> Any:
    usual = {"name": row.name, "provider": row.provider, "base_url": row.base_url}
    return desk_of(operator()).post(f"{LIST}{row.pk}/change/", entered(**{**usual, **fields}))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "https://10.0.0.7",
        "https://169.254.169.254",
        "https://localhost",
        "http://93.184.216.34",
        "https://93.184.216.34:22",
        "https://[::ffff:7f00:1]",
    ],
)
def test_staff_of_a_shop_do_not_lead_into_our_network(row: Upstream, address: str) -> None:
    form = staff_sends(row, base_url=address, new_credential=SECRET)
    assert "Only the operator of this installation" in str(form.errors["base_url"])
    assert Upstream.objects.get(pk=row.pk).base_url == PUBLIC


def test_what_is_allowed_to_all_shops_may_be_entered_exactly(row: Upstream, settings: Settings) -> None:
    settings.UPSTREAM_ORIGINS = frozenset({("http", "127.0.0.1", 30000)})
    assert staff_sends(row, base_url="http://127.0.0.1:30001", new_credential=SECRET).errors
    assert not staff_sends(row, base_url="http://127.0.0.1:30000", new_credential=SECRET).errors
    found = Upstream.objects.get(pk=row.pk)
    assert (found.base_url, found.inside) == ("http://127.0.0.1:30000", False)


def test_the_platforms_staff_may_and_keep_it_so_for_what_stays() -> None:
    engine = an_upstream("openai_compatible", base_url=PUBLIC, inside=False)
    assert platform_sends(engine, base_url="http://10.0.0.7:30000").status_code == 302
    assert Upstream.objects.get(pk=engine.pk).inside
    shop_row = Upstream.objects.get(pk=engine.pk)
    assert not staff_sends(shop_row, priority="3").errors
    assert Upstream.objects.get(pk=engine.pk).inside, "The address has not changed"


def test_a_new_address_by_a_shops_staff_is_a_strangers_again() -> None:
    upstream = an_upstream(shop=a_reseller(), base_url="http://10.0.0.7:30000", inside=True)
    assert not staff_sends(upstream, base_url=PUBLIC).errors
    assert not Upstream.objects.get(pk=upstream.pk).inside


def test_another_provider_by_a_shops_staff_asks_for_other_paths_and_not_inside() -> None:
    upstream = an_upstream(
        "openai_compatible", shop=a_reseller(), base_url="http://10.0.0.7:30000", inside=True
    )
    assert not staff_sends(upstream, provider="fal", model_names='{"z-image-turbo": "internal/reset"}').errors
    assert not Upstream.objects.get(pk=upstream.pk).inside


def test_a_credential_does_not_move_with_the_address() -> None:
    shop = a_reseller()
    upstream = connect(shop, an_organization(100))
    form = staff_sends(upstream, base_url=PUBLIC)
    assert "Enter a credential for this address" in str(form.errors["base_url"])
    assert not staff_sends(upstream, base_url=PUBLIC, new_credential=SECRET).errors
    found = Upstream.objects.get(pk=upstream.pk)
    assert (found.inside, found.wholesale, found.credential) == (False, None, SECRET)


def test_the_books_are_read_while_it_is_the_same_customer() -> None:
    organization = an_organization(100)
    upstream = connect(a_reseller(), organization)
    assert not staff_sends(upstream, priority="3").errors
    assert Upstream.objects.get(pk=upstream.pk).wholesale == organization
    assert not staff_sends(upstream, new_credential=SECRET).errors
    assert Upstream.objects.get(pk=upstream.pk).wholesale is None


def test_nobody_leads_a_shop_to_itself(settings: Settings) -> None:
    engine = an_upstream("openai_compatible", base_url=PUBLIC)
    response = platform_sends(engine, base_url=settings.PUBLIC_URL)
    assert "leads back to this very shop" in response.content.decode()


def test_nobody_leads_a_shop_to_itself_by_enabling_what_was_disabled() -> None:
    shop = a_reseller()
    upstream = connect(shop, an_organization())
    Upstream.objects.filter(pk=upstream.pk).update(enabled=False)
    back = connect(first_shop(), an_organization(shop=shop))
    enable = {"action": "enable", "_selected_action": upstream.pk}
    desk = desk_of(operator())
    for response in (desk.post(LIST, enable, follow=True), platform_sends(upstream)):
        assert "leads back to this very shop" in response.content.decode()
        assert not Upstream.objects.get(pk=upstream.pk).enabled
    assert staff_sends(upstream).errors.keys() == {"enabled"}
    Upstream.objects.filter(pk=back.pk).update(enabled=False)
    desk.post(LIST, enable)
    assert Upstream.objects.get(pk=upstream.pk).enabled


def test_own_gpus_are_for_whoever_runs_the_installation_to_give(row: Upstream) -> None:
    """On them the staff of a shop would make images without buying any."""
    assert "provider" in staff_sends(row, provider="local", base_url="").errors
    assert Upstream.objects.get(pk=row.pk).provider == "portal"
    own = an_upstream("local", shop=row.shop, name="The card", base_url="", inside=False)
    assert not staff_sends(own, priority="3").errors
    assert Upstream.objects.get(pk=own.pk).priority == 3


def test_a_name_has_one_line(row: Upstream) -> None:
    """It stands in the log, whose lines are the installation's."""
    form = staff_sends(row, name="Main\n2026-01-01 ERROR config The books do not agree")
    assert "a sign that cannot be used" in str(form.errors["name"])
