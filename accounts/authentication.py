"""API keys at the door. A key in the query string is never looked at."""

from typing import TYPE_CHECKING, Any, cast

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import keys
from accounts.access import Access, access_of, access_of_key
from accounts.addresses import client_address, is_listed
from accounts.clock import db_now
from accounts.errors import AddressNotAllowed, Unauthenticated
from accounts.models import ApiKey
from accounts.origin import NOWHERE, Origin, origin_of
from accounts.shops import shop_id_of
from accounts.standing import require_running
from accounts.statements import Select

if TYPE_CHECKING:  # DRF's views import this module by way of its settings
    from rest_framework.views import APIView


def _usable(digest: str, shop_id: int) -> "QuerySet[ApiKey]":
    usable = ApiKey.objects.select_related("organization").filter(
        revoked_at=None, frozen_at=None, organization__closing_at=None, organization__shop=shop_id
    )
    # By the database's clock: an application clock that is ahead would write at every request.
    usable = usable.annotate(found_use_due=ExpressionWrapper(ApiKey.use_is_due(), BooleanField()))
    return usable.filter(Q(expires_at=None) | Q(expires_at__gt=db_now()), digest=digest)


_find_usable = Select(_usable)


def use_key(text: str, shop_id: int, origin: Origin = NOWHERE) -> ApiKey | None:
    """The usable key of this shop with this text, its use noted when that is due; a wrong checksum costs no query."""
    parsed = keys.parse(text)
    if parsed is None:
        return None
    found = _find_usable(digest=parsed.digest, shop_id=shop_id)
    if not found:
        return None
    key: ApiKey = found[0]
    if found[0].found_use_due:
        key.note_use(origin.address)
    return key


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to an Access. Raises Unauthenticated; unknown, expired and revoked look the same."""

    def authenticate(self, request: Request) -> tuple[None, Access]:
        scheme, _space, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        text = credentials.strip() if scheme.lower() == "bearer" else ""
        # Read when it is written down, which few requests do.
        origin = cast(Origin, SimpleLazyObject(lambda: origin_of(request._request)))
        key = use_key(text, shop_id_of(request), origin) if text else None
        if key is None:
            raise Unauthenticated(key_was_sent=bool(text))
        return None, access_of_key(key, origin)


class HasScope(BasePermission):
    """The scope that the view requires, the key's address list, an organization and a shop that are not suspended."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        access = access_of(request)
        by_method: Any = getattr(view, "required_scopes", {})
        scope: Any = by_method.get(request.method) or getattr(view, "required_scope", "admin")
        access.require(scope)
        allowed = access.key.allowed_addresses if access.key else []
        if allowed and not is_listed(client_address(request._request), allowed):
            raise AddressNotAllowed
        require_running(access.organization)
        return True
