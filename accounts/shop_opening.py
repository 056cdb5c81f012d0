"""Opening another shop: a name and a domain, and it has what it needs to sell at once."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import hooks, shop_rules, shops
from accounts.audit import record_of_shop
from accounts.mail import outbox
from accounts.models import AuditAction, Shop, ShopDomain, ShopStaff, StaffRole, User
from accounts.names import clean_name
from accounts.organizations import person
from accounts.origin import NOWHERE, Origin
from accounts.signing.first_password import link_to_choose


@transaction.atomic
def open_shop(
    shop: Shop, host: str, *, operator: str = "", actor: str = "system", origin: Origin = NOWHERE
) -> Shop:
    """`shop`: a row that is not there yet, with its name and what else differs from the usual. `host`: its domain, as
    somebody typed it. `operator`: the e-mail of who runs it, "" for the platform's staff alone.

    Raises ValidationError; then nothing was written.
    """
    shops.first_shop()  # which no other one shall become
    shop.name, shop.currency = clean_name(shop.name), shop_rules.clean_currency(shop.currency)
    shop.slug = _free_slug(shop.name)
    host = shop_rules.clean_domain(host)
    shop.save(force_insert=True)
    _put_at(shop, host)
    for hook in hooks.shop_opened:
        hook(shop)
    lacking = shop_rules.lacks(shop)
    if lacking:
        raise ValidationError(lacking)
    record_of_shop(shop, AuditAction.SHOP_OPENED, actor=actor, origin=origin, note=host)
    if operator:
        appoint(shop, operator, host)
    transaction.on_commit(shops.forget)
    return shop


@transaction.atomic
def appoint(shop: Shop, email: str, host: str) -> User:
    """Makes somebody an operator of the shop, with an account if they have none, and tells them by mail where. Raises
    ValidationError.
    """
    user = person(email)
    ShopStaff.objects.update_or_create(shop=shop, user=user, defaults={"role": StaffRole.OPERATOR})
    # Links of the shop begin with this from the next reading on.
    context = {"address": shops.address_at(host), "email": user.email}
    if not user.has_usable_password():
        context |= link_to_choose(user)
    outbox.queue_template(shop, user.email, "shop_operator", context)
    return user


def _put_at(shop: Shop, host: str) -> None:
    try:
        with transaction.atomic():
            ShopDomain.objects.create(shop=shop, host=host, is_primary=True)
    except IntegrityError:  # somebody was faster
        shop_rules.clean_domain(host)
        raise


def _free_slug(name: str) -> str:
    base = slugify(name)[:50].strip("-") or "shop"
    slug, number = base, 2
    while Shop.objects.filter(slug=slug).exists():
        slug, number = f"{base}-{number}", number + 1
    return slug
