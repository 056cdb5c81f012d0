"""Welcome credits: once per person and shop, and so few a day that nobody lives on them.

Locks: the person's row of welcomes, the network's count, the shop's count, the wallet.
"""

import datetime
import logging

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from accounts import shops
from accounts.addresses import network_of
from accounts.clock import read_db_now
from accounts.models import Membership, Organization, Role, Shop, User
from accounts.standing import is_suspended
from billing import ledger
from billing.models import Welcome, WelcomeCount
from billing.news import tell_of_added

logger = logging.getLogger(__name__)

NETWORKS_KEPT = datetime.timedelta(days=2)
_PREFIXES = {4: 24, 6: 64}


class _TooMany(Exception):
    """What was counted is undone; the text says which limit it was."""


def after_confirmation(user: User, client_address: str) -> None:
    """As accounts.hooks.address_confirmed calls it."""
    give(user, client_address)


def after_sign_in(user: User, client_address: str) -> None:
    """As accounts.hooks.signed_in calls it: for those whom a limit refused, or who own an organization only since."""
    if user.email_confirmed_at is None:
        return
    try:
        give(user, client_address)
    except DatabaseError:
        logger.exception("No welcome credits for user:%s at this sign-in", user.uuid)


def credits_of(shop: Shop) -> int:
    """What a shop gives. The setting is the first shop's: another gives nothing until it says so itself."""
    if shop.welcome_credits is not None:
        return shop.welcome_credits
    return settings.WELCOME_CREDITS if shop.pk == shops.first_id() else 0


def give(user: User, client_address: str) -> int:
    """The credits that their first organization in each shop gets now. 0: none are given, they had theirs, they own
    none, their address is not confirmed, the organization or its shop is suspended, or a limit of the day is reached;
    then a later call may give them.
    """
    owned = Membership.objects.filter(
        user=user, role=Role.OWNER, user__email_confirmed_at__isnull=False
    ).select_related("organization__shop")
    first_of_shop = dict[int, Organization]()
    for ownership in owned.order_by("pk"):
        first_of_shop.setdefault(ownership.organization.shop_id, ownership.organization)
    return sum(_welcome(user, organization, client_address) for organization in first_of_shop.values())


def _welcome(user: User, organization: Organization, client_address: str) -> int:
    credits, reference = credits_of(organization.shop), _reference(user, organization.shop_id)
    if not credits or is_suspended(organization):
        return 0
    if Welcome.objects.filter(reference=reference).exists():
        return 0
    try:
        with transaction.atomic():
            Welcome.objects.create(organization=organization, reference=reference, credits=credits)
            _count(organization.shop_id, client_address)
            ledger.grant(organization.pk, credits, reference=reference, actor="system", note="Welcome")
            tell_of_added(organization.pk, credits, kind="welcome", reference="welcome")
    except IntegrityError:
        if not Welcome.objects.filter(reference=reference).exists():
            raise
        return 0
    except _TooMany as error:
        logger.warning("No welcome credits for user:%s today: %s", user.uuid, error)
        return 0
    return credits


def _reference(user: User, shop_id: int) -> str:
    """Once per person and shop."""
    of_whom = f"welcome:{user.uuid}"
    return of_whom if shop_id == shops.first_id() else f"{of_whom}:{shop_id}"


def erase_networks() -> int:
    """How many counts of networks were two days old."""
    until = read_db_now().date() - NETWORKS_KEPT
    erased, _by_model = WelcomeCount.objects.filter(on__lte=until).exclude(network="").delete()
    return erased


def _count(shop_id: int, client_address: str) -> None:
    """Raises _TooMany."""
    today = read_db_now().date()
    limits = {
        _hashed_network(client_address, today): settings.WELCOME_PER_NETWORK_PER_DAY,
        "": settings.WELCOME_PER_DAY,
    }
    for network, limit in limits.items():
        counts = WelcomeCount.objects.filter(shop_id=shop_id, on=today, network=network)
        if not counts.exists():
            WelcomeCount.objects.bulk_create(
                [WelcomeCount(shop_id=shop_id, on=today, network=network)], ignore_conflicts=True
            )
        # Counted by the update itself: of many at once, only so many get through.
        if not counts.filter(count__lt=limit).update(count=F("count") + 1):
            raise _TooMany("its network has had its share" if network else "the shop has given all it may")


def _hashed_network(client_address: str, on: datetime.date) -> str:
    """Cannot be turned back without our key, nor be followed to another day."""
    network = network_of(client_address, _PREFIXES)
    return salted_hmac("billing.welcome", f"{on} {network}", algorithm="sha256").hexdigest()
