"""Beginning at a shop with an account that somebody has from another one of the same installation."""

from django.core.exceptions import ValidationError

from accounts.access import organizations_of
from accounts.models import Shop, User
from accounts.signing import addresses, rules


def may_begin_at(shop: Shop, user: User) -> bool:
    """Whether they may found an organization there: as whoever would sign up, and always who belongs there already."""
    if organizations_of(user, shop.pk):
        return True
    try:
        addresses.refuse_domain(user.email, shop)
    except ValidationError:
        return False
    return rules.is_open(shop)
