"""What to do about each error: the page that `type` of a problem leads to."""

from typing import Any

from django.utils.translation import gettext_lazy as _

CURES: dict[str, Any] = {
    "invalid_json": _("Send one JSON object in UTF-8, without repeated names, NaN or more than 32 levels."),
    "invalid_field": _("`param` names the field. Its rules are in the reference."),
    "missing_field": _("`param` names the field. Send it."),
    "content_rejected": _(
        "The prompt is against the rules of this shop. Write it differently; nothing was charged."
    ),
    "unauthenticated": _(
        "Send `Authorization: Bearer` and a key that is neither revoked, expired nor frozen. A key in the address is "
        "never looked at."
    ),
    "insufficient_credits": _(
        "Buy credits; `required` and `available` say how many are missing. Nothing was charged."
    ),
    "payment_owed": _(
        "A refund or dispute left your balance owing. Buy credits: they pay what is owed first."
    ),
    "spend_cap_reached": _("Raise the spend cap of this key, or wait until its day or month is over."),
    "insufficient_scope": _("Use a key with the scope that the reference names, or give this one the scope."),
    "address_not_allowed": _(
        "The key has a list of addresses, and yours is not on it. Add it, or use another key."
    ),
    "organization_suspended": _(
        "The shop has suspended your organization. Ask its support, naming `request_id`."
    ),
    "shop_suspended": _(
        "Nothing can be ordered, and open tasks go on. `message` says whether the shop opens again, or closes: then "
        "fetch what is yours until the time that it names."
    ),
    "not_found": _(
        "The id is mistyped, or belongs to another organization or to the other mode: test keys do not see what live "
        "keys made, nor the other way round."
    ),
    "unknown_host": _(
        "The host that you ask leads to no shop: it is mistyped, or was switched off. Use the address that these docs "
        "stand at."
    ),
    "method_not_allowed": _("`Allow` in the answer names the methods that there are."),
    "body_timeout": _("The body has to arrive within 10 seconds. Send it again."),
    "body_too_large": _("A body has 64 KiB at most."),
    "unsupported_media_type": _("Send `Content-Type: application/json`."),
    "idempotency_in_flight": _(
        "The first request with this key is still being handled. Ask again after `Retry-After`."
    ),
    "idempotency_mismatch": _(
        "This idempotency key was used for another order. Choose a new one for each order."
    ),
    "already_ended": _(
        "It has ended already, so there is nothing left to change. Ask for it to see how it ended."
    ),
    "too_late_to_cancel": _("The image is being made by now. Let it end; a failed one costs nothing."),
    "rate_limited": _(
        "Wait as many seconds as `Retry-After` says. `RateLimit` tells beforehand how much is left."
    ),
    "too_many_open_tasks": _("Wait until some of your tasks have ended, then order again."),
    "overloaded": _(
        "More orders wait than can be made in time. Try again after `Retry-After`; nothing was charged."
    ),
    "unavailable": _("Something the shop needs is away for the moment. Try again after `Retry-After`."),
    "internal": _(
        "A mistake on our side, which has been written down. Try again; tell us `request_id` if it stays."
    ),
    "key_frozen": _(
        "The key was found in public, or frozen by the shop. Rotate it, or revoke it and make another."
    ),
    "too_many_keys": _("Revoke keys that you no longer need."),
    "too_many_endpoints": _("Delete webhook endpoints that you no longer need."),
    "endpoint_deleted": _("Its address is gone. Read what happened from the API instead, such as the order."),
    "endpoint_disabled": _("Enable the endpoint first; while it is off nothing is sent to it."),
    "link_closed": _(
        "The address of an image was altered or has expired. Ask for the task again to get a new one."
    ),
    "image_deleted": _(
        "Images are kept for a while only, and this one is gone. Order it again with the same seed."
    ),
    "model_not_found": _("List the models that are sold here, and name one of them, or none."),
    "still_running": _(
        "The order goes on: ask `/api/status` with the task that is named. Do not order again."
    ),
    "generation_failed": _("The image could not be made, and cost nothing. Order it again."),
    "upstream_unavailable": _(
        "What makes the images is away, and nothing was charged. Order it again later."
    ),
    "timeout": _("It took too long to make, and cost nothing. Order it again."),
    "invalid_request": _("What was asked for cannot be made. Change the prompt or the size."),
    "canceled": _("Somebody canceled the order; it cost nothing."),
}
