"""Several shops: that each has a name that leads to it and something to sell, and which names lead to the first. What
names resolve to is not asked: from here it may be another.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from accounts import shop_rules, shops
from accounts.hosts import clean_host, shown_host
from accounts.models import Shop, ShopDomain
from accounts.signing import social
from billing import packs
from config.doctor.findings import Finding, error, ok, warning
from generations.models import Upstream


def look() -> Iterator[Finding]:
    yield from _hosts()
    yield from _signing_in_elsewhere()
    for words in shop_rules.lacks(shops.first_shop()):
        yield error(f"The first shop: {words}", f"Correct it at {settings.PUBLIC_URL}/admin/.")
    others = Shop.objects.filter(closed_at=None).exclude(pk=shops.first_id()).order_by("pk")
    count, sound = 0, 0
    for shop in others:
        found = list(_look_at(shop))
        count, sound = count + 1, sound + (not found)
        yield from found
    if count:
        yield ok(f"beside the first: {count}, of which {sound} lack nothing.")


def _hosts() -> Iterator[Finding]:
    first, public = shops.first_id(), clean_host(urlsplit(settings.PUBLIC_URL).netloc)
    taken = ShopDomain.objects.filter(host__in=shops.hosts_of_settings()).exclude(shop=first)
    for domain in taken.select_related("shop").order_by("pk"):
        yield error(
            f"{shown_host(domain.host)} leads to {domain.shop.slug}, and PUBLIC_URL or OTHER_HOSTS says: to the first.",
            "Take it from one of the two.",
        )
    if settings.UNKNOWN_HOSTS == "first" and (settings.DATABASE_URL or not settings.DEMO):
        yield warning(
            "UNKNOWN_HOSTS=first: whatever name somebody points here shows the first shop.",
            "Set UNKNOWN_HOSTS=refuse, and name what is right in OTHER_HOSTS.",
        )
    elif settings.OTHER_HOSTS:
        yield ok(f"{public} and {', '.join(settings.OTHER_HOSTS)} lead to the first shop.")


def _signing_in_elsewhere() -> Iterator[Finding]:
    """What has to be registered at Google and GitHub, and names of SOCIAL_HOSTS at which nobody could come back."""
    names = social.with_credentials()
    if not names:
        return
    at = {shops.host_of(pk): pk for pk in {shops.first_id(), *shops.all_hosts().values()}}
    for host in settings.SOCIAL_HOSTS:
        if host not in at:
            yield warning(
                f"SOCIAL_HOSTS names {shown_host(host)}, with which the links of no shop begin: nobody is offered"
                f" {' or '.join(names)} there.",
                "Name the host that its links begin with.",
            )
    for host, pk in at.items():
        if social.comes_back_to(host, pk):
            paths = " and ".join(f"{shops.address_of(pk)}/sign-in/{name}/back/" for name in names)
            yield ok(f"people come back to {paths}, which has to be registered there.")


def _look_at(shop: Shop) -> Iterator[Finding]:
    desk = f"Correct it at {settings.PUBLIC_URL}/admin/."
    domains = list(ShopDomain.objects.filter(shop=shop).values_list("host", "is_primary", "active"))
    if not any(active for _host, _primary, active in domains):
        yield error(f"{shop.slug}: no domain leads to it.", desk)
    elif not any(is_primary and active for _host, is_primary, active in domains):
        yield warning(f"{shop.slug}: no domain is the one that links begin with, so the oldest is.", desk)
    for words in shop_rules.lacks(shop):
        yield error(f"{shop.slug}: {words}", desk)
    if shop.closing_at is not None:
        yield warning(
            f"{shop.slug} is being closed.", f"manage.py close_shop {shop.slug} --export FOLDER ends that."
        )
        return
    if not Upstream.objects.filter(shop=shop, enabled=True).exists() and not settings.DEMO:
        yield warning(f"{shop.slug}: no upstream is enabled, so live keys get 503.", desk)
    if shop.suspended_at is None and not packs.on_sale(shop.pk).exists():
        yield warning(f"{shop.slug}: no pack is on sale in {shop.currency.upper()}.", desk)
    sender = clean_host(shop.sender_email.rpartition("@")[2]) if shop.sender_email else None
    if sender is not None and sender not in {host for host, _primary, _active in domains}:
        yield warning(
            f"{shop.slug}: its mails come from {shop.sender_email}, which is at none of its domains.",
            "See that our mail server may send for it (SPF, DKIM), or they are taken for forged.",
        )
