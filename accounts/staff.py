"""Who works at a shop's desk, and what each role may do there.

What somebody is at a desk holds for one request: DeskSite works it out (`admit`), and StaffBackend answers from what it
found. Nothing of it is kept in a session, so a role that was taken away ends with the next request.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts import shops
from accounts.desk import scope
from accounts.models import ShopStaff, StaffRole, User

_ADMITTED: Final = "desk_admitted"


def _named(app: str, text: str) -> frozenset[str]:
    return frozenset(f"{app}.{name}" for name in text.split())


# Who asks, what they have, what became of it: to look at, and to help within what the shop has promised.
SUPPORT: Final = (
    _named(
        "accounts",
        "view_organization view_user view_membership view_invitation view_apikey freeze_apikey stand_in"
        " view_auditevent view_queuedmail",
    )
    | _named("billing", "view_wallet")
    | _named(
        "generations",
        "view_generation cancel_generation retry_generation view_attempt view_image view_takedown view_incident",
    )
    | _named("webhooks", "view_webhookendpoint view_webhookdelivery")
)
# Money, in and out, and what is left of it; nobody's prompts and images.
FINANCE: Final = (
    _named("accounts", "view_organization view_auditevent")
    | _named(
        "billing",
        "view_wallet view_ledgerentry grant_credits take_credits view_payment change_payment refund_payment"
        " view_stripeevent change_stripeevent view_creditpack view_voucher view_redemption",
    )
    | _named("generations", "view_billedday add_billedday view_imagemodel view_modelprice view_incident")
)
# All of the shop: what it sells, by whom, for how much, and who works at its desk.
OPERATOR: Final = (
    SUPPORT
    | FINANCE
    | _named(
        "accounts",
        "suspend_organization view_shop change_shop view_shopdomain change_shopstaff view_operatoralert",
    )
    | _named("admin", "view_logentry")
    | _named(
        "billing",
        "add_creditpack change_creditpack delete_creditpack add_voucher change_voucher delete_voucher"
        " view_stripeaccount change_stripeaccount",
    )
    | _named(
        "generations",
        "change_image credit_incident add_modelprice delete_modelprice view_upstream add_upstream change_upstream"
        " delete_upstream view_blockedphrase add_blockedphrase change_blockedphrase delete_blockedphrase view_sample"
        " delete_sample view_alarm",
    )
)
PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {StaffRole.OPERATOR: OPERATOR, StaffRole.SUPPORT: SUPPORT, StaffRole.FINANCE: FINANCE}
)


def admit(request: HttpRequest) -> bool:
    """Whether this is staff at the desk that is asked: the platform's at its own address, a shop's at that shop's. What
    a shop's may do is known to their `has_perm` from then on, for this request.
    """
    found: bool | None = getattr(request, _ADMITTED, None)
    if found is None:
        found = _look(request)
        setattr(request, _ADMITTED, found)
    return found


def _look(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return False
    if scope.is_platform(request):
        return True
    user.desk_role = scope.role_of(request)
    return user.desk_role is not None


def may(request: HttpRequest, permission: str) -> bool:
    """Also on the shop's other pages, where nobody is admitted to a desk. Costs a query for a shop's staff."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return False
    if scope.is_platform(request):
        return user.has_perm(permission)
    role = scope.role_of(request)
    return role is not None and permission in PERMISSIONS[role]


def works_here(request: HttpRequest) -> bool:
    """Whether the desk at this address would open to them."""
    return scope.is_platform(request) or scope.role_of(request) is not None


def mail_of(shop_id: int | None) -> list[str]:
    """Whom to tell of what is wrong there: operators of the shop who confirmed their address, else the platform's, who
    are told of everything that is the platform's own. None: the whole installation.
    """
    if shop_id is not None and shop_id != shops.first_id():
        operators = ShopStaff.objects.filter(shop=shop_id, role=StaffRole.OPERATOR)
        reached = operators.filter(
            user__is_active=True, user__erased_at=None, user__email_confirmed_at__isnull=False
        )
        found = list(reached.order_by("pk").values_list("user__email", flat=True))
        if found:
            return found
    return list(settings.OPERATOR_EMAILS)


class StaffBackend:
    """What the role says, for whoever was admitted to a shop's desk, and nothing that they were given elsewhere. It
    signs nobody in.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        return None

    def has_perm(self, user: Any, permission: str, obj: Any = None) -> bool:
        role = getattr(user, "desk_role", None)
        if role is None:
            return False
        if permission in PERMISSIONS[role]:
            return True
        raise PermissionDenied  # so that no other backend is asked

    def has_module_perms(self, user: Any, app_label: str) -> bool:
        role = getattr(user, "desk_role", None)
        if role is None:
            return False
        if any(one.startswith(f"{app_label}.") for one in PERMISSIONS[role]):
            return True
        raise PermissionDenied
