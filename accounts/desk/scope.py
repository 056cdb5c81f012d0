"""Which shops somebody at the desk sees: their own, or for the platform's staff at the platform's own address, all."""

from typing import Any

from django.http import HttpRequest

from accounts import shops
from accounts.models import Shop, ShopStaff, User

CHOSEN = "desk_shop"  # in the session of the platform's staff: the id of a shop, absent for all


def is_platform(request: HttpRequest) -> bool:
    """Whether this is the platform's staff at the platform's own address."""
    user = request.user
    is_theirs = isinstance(user, User) and user.is_active and (user.is_staff or user.is_superuser)
    return is_theirs and shops.shop_id_of(request) == shops.first_id()


def role_of(request: HttpRequest) -> str | None:
    """What somebody is at the desk of the shop that is asked: a StaffRole, or None."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    found = ShopStaff.objects.filter(user=user, shop=shops.shop_id_of(request))
    role: str | None = found.values_list("role", flat=True).first()
    return role


def scope_of(request: HttpRequest) -> int | None:
    """The shop whose rows the desk shows; None for all of them."""
    if not is_platform(request):
        return shops.shop_id_of(request)
    chosen: Any = request.session.get(CHOSEN)
    return chosen if isinstance(chosen, int) else None


def lost_choice(request: HttpRequest) -> bool:
    """Whether the chosen shop is there no more, as after an older backup was restored. Then it is chosen no longer."""
    chosen = scope_of(request) if is_platform(request) else None
    if chosen is None or Shop.objects.filter(pk=chosen).exists():
        return False
    request.session.pop(CHOSEN, None)
    return True


def shop_of_desk(request: HttpRequest) -> Shop:
    """The shop that something is added to, or whose currency sums are in: the one shown, else the platform's."""
    return shops.by_id(scope_of(request) or shops.first_id())
