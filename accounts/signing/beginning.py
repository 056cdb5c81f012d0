"""Beginning at a shop with an account that somebody has from another one of the same installation."""

from django.conf import settings

from accounts.access import organizations_of
from accounts.hosts import clean_host
from accounts.models import Shop, SignUp, User


def may_begin_at(shop: Shop, user: User) -> bool:
    """Whether they may found an organization there: as whoever would sign up, and always who belongs there already."""
    if organizations_of(user, shop.pk):
        return True
    domains = shop.sign_up_domains or settings.SIGN_UP_DOMAINS
    domain = user.email.rpartition("@")[2]
    fits = not domains or domain in domains or clean_host(domain) in domains
    return fits and (shop.sign_up or settings.SIGN_UP) == SignUp.OPEN
