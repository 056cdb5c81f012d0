"""What operators read on top of each of their pages: what stands still until they do something."""

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.clock import db_now
from accounts.desk.base import Notice
from accounts.models import Organization, Shop
from generations import circuit, conduct, wholesale
from generations.models import Alarm, ModelPrice, UpstreamState

AT_MOST = 10
NO_PRICE = "no_price"


def notices(shop_id: int | None = None) -> list[Notice]:
    """By one query, of a shop or of all: circuits that are open since an upstream refuses us, organizations that
    paused, alarms, and shops without a price.
    """
    of_upstream, of_shop, of_one = (
        ({}, {}, {}) if shop_id is None else ({"upstream__shop": shop_id}, {"shop": shop_id}, {"pk": shop_id})
    )
    # In a union each column is one of its own.
    nowhere = {name: Value("", CharField()) for name in ("provider", "base_url", "seller")}
    refusing = (
        UpstreamState.objects.filter(opened_at__isnull=False, reason__in=circuit.REFUSED, **of_upstream)
        .annotate(
            key=Cast("pk", CharField()), seller=Coalesce(Cast("upstream__wholesale", CharField()), Value(""))
        )
        .values_list(
            "reason", "key", "upstream__name", "detail", "upstream__provider", "upstream__base_url", "seller"
        )
    )
    paused = (
        Organization.objects.filter(suspended_at__isnull=False, suspended_reason=conduct.REASON, **of_shop)
        .annotate(what=Value("organization", CharField()), key=Cast("pk", CharField()), **nowhere)
        .values_list("what", "key", "name", "slug", "provider", "base_url", "seller")
    )
    wrong = (
        Alarm.objects.filter(ended_at=None, **of_shop)
        .annotate(what=Value("alarm", CharField()), key=Cast("pk", CharField()), **nowhere)
        .values_list("what", "key", "subject", "advice", "provider", "base_url", "seller")
    )
    now = ModelPrice.objects.filter(shop=OuterRef("pk"), model__active=True, valid_from__lte=db_now())
    selling_nothing = (
        Shop.objects.filter(~Exists(now), closing_at=None, **of_one)
        .annotate(what=Value(NO_PRICE, CharField()), key=Cast("pk", CharField()), **nowhere)
        .values_list("what", "key", "name", "slug", "provider", "base_url", "seller")
    )
    rows = refusing.union(paused, wrong, selling_nothing, all=True)[:AT_MOST]
    return [_notice(*row) for row in rows]


def _notice(what: str, key: str, name: str, text: str, provider: str, base_url: str, seller: str) -> Notice:
    """`seller`: the organization as which the shop buys from another one of ours, who knows why it refuses."""
    advice = wholesale.advice_for(int(key)) if seller else ""
    if what == circuit.FUNDS:
        facts = {"where": circuit.top_up_at(provider, base_url), "detail": text or _("nothing more")}
        return Notice(
            _("Our balance with %(name)s is used up.") % {"name": name},
            advice
            or _(
                "Top up at %(where)s. No orders go there; close its circuit here then, or wait until it is tried again"
                " by itself. It said: %(detail)s."
            )
            % facts,
            reverse("admin:generations_upstream_change", args=[key]),
        )
    if what == circuit.ACCOUNT:
        return Notice(
            _("%(name)s refuses our account.") % {"name": name},
            advice
            or _(
                "It said: %(detail)s. No orders go there. Look at the balance and the credential at the provider, then"
                " close its circuit here; it is also tried again by itself."
            )
            % {"detail": text or _("nothing more")},
            reverse("admin:generations_upstream_change", args=[key]),
        )
    if what == NO_PRICE:
        return Notice(
            _("%(name)s sells nothing.") % {"name": name},
            _("It has no price for any model, so nobody can order there, or buy credits: add one."),
            reverse("admin:generations_modelprice_changelist"),
        )
    if what == "alarm":
        return Notice(name, text, reverse("admin:generations_alarm_change", args=[key]))
    return Notice(
        _("%(name)s was paused.") % {"name": name},
        _(
            "Upstreams refused too many of its prompts within an hour. Talk to the customer, then resume it here."
        ),
        reverse("admin:accounts_organization_change", args=[key]),
    )
