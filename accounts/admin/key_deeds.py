"""What operators do with a key: freeze it while something is looked into, thaw it, or end it for good."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.api_keys import freeze_api_key, revoke_api_key, thaw_api_key
from accounts.audit import Detail
from accounts.desk.deeds import Deed, Doer, Refused, deed_of
from accounts.models import ApiKey, AuditAction

BY_OPERATOR = "operator"  # in `frozen_reason`


@transaction.atomic
def act(
    key: ApiKey, change: Callable[[ApiKey], bool], action: AuditAction, doer: Doer, **details: Detail
) -> None:
    """Raises Refused when that is done already, or cannot be done any more."""
    if not change(key):
        raise Refused
    doer.record(key.organization, action, subject=key.actor, **details)


class KeyDeed(Deed[ApiKey]):
    permission = "accounts.freeze_apikey"

    def whose(self, key: ApiKey) -> str:
        return _("The key %(prefix)s… of %(name)s.") % {"prefix": key.prefix, "name": key.organization.name}

    def hindrance(self, key: ApiKey) -> str:
        return _("It was revoked, and stays so.") if key.revoked_at is not None else ""


@deed_of(ApiKey)
class Freeze(KeyDeed):
    name = "freeze"
    title = gettext_lazy("Freeze it")
    hint = gettext_lazy("Requests with it are refused until you thaw it.")
    done_before = gettext_lazy("It is frozen already.")

    def outlook(self, key: ApiKey) -> str:
        return _(
            "From the next request on it gets 401, as an unknown key does; tasks that it has ordered go on. Its"
            " organization reads that it is frozen. You can thaw it again."
        )

    def is_done(self, key: ApiKey) -> bool:
        return key.frozen_at is not None

    def do(self, request: HttpRequest, key: ApiKey, doer: Doer, form: Any) -> str:
        def freeze(row: ApiKey) -> bool:
            return freeze_api_key(row, BY_OPERATOR)

        act(key, freeze, AuditAction.KEY_FROZEN, doer, reason=BY_OPERATOR)
        return _("The key is frozen.")


@deed_of(ApiKey)
class Thaw(KeyDeed):
    name = "thaw"
    title = gettext_lazy("Thaw it")
    hint = gettext_lazy("What froze it was a mistake, or is mended: it works again.")
    done_before = gettext_lazy("It is not frozen.")

    def outlook(self, key: ApiKey) -> str:
        return _("It works again from the next request on, with the limits and caps that it had.")

    def is_done(self, key: ApiKey) -> bool:
        return key.frozen_at is None

    def do(self, request: HttpRequest, key: ApiKey, doer: Doer, form: Any) -> str:
        act(key, thaw_api_key, AuditAction.KEY_CHANGED, doer, frozen=False)
        return _("The key works again.")


@deed_of(ApiKey)
class Revoke(KeyDeed):
    name = "revoke"
    title = gettext_lazy("Revoke it")
    hint = gettext_lazy("It stops for good.")

    def outlook(self, key: ApiKey) -> str:
        return _(
            "It stops with the next request, and nobody can bring it back: its organization makes a new one."
        )

    def do(self, request: HttpRequest, key: ApiKey, doer: Doer, form: Any) -> str:
        act(key, revoke_api_key, AuditAction.KEY_REVOKED, doer)
        return _("The key is revoked.")
