"""What the endpoints for keys take and answer."""

from accounts.api_keys import LONGEST_OVERLAP, USUAL_OVERLAP
from accounts.documented import Parameter
from accounts.models import SCOPES
from accounts.names import MAX_NAME
from accounts.shapes import Schema, array, body, component, flag, moment, nullable, record, text, whole, word
from config.keys.draft import MAX_ADDRESSES, MAX_CAP_CREDITS

_ID = "key_5f2b9c0d1e3a4b5c6d7e8f90"
_CAPS = ("day", "month", "lifetime")
KEY_ID = Parameter("key_id", "path", text(pattern="^key_[0-9a-f]{24}$"), "The key's id.", example=_ID)

_MEMBERS: dict[str, Schema] = {
    "id": text(example=_ID),
    "object": word(("key",)),
    "livemode": flag("False for a test key, which costs nothing.", example=False),
    "prefix": text("The beginning of the key, to tell it by.", example="tt_test_ab12"),
    "name": text(example="build server"),
    "scopes": array(word(SCOPES), examples=[["generate", "read"]]),
    "expires_at": nullable(moment("When it stops by itself.")),
    "allowed_addresses": array(text(), "From where it may be used; empty for everywhere.", examples=[[]]),
    "rate_per_minute": whole("Orders a minute.", example=60),
    "burst": whole("Orders at once.", example=20),
    "max_open_tasks": whole("Tasks that may be under way at once.", example=20),
    "spend_caps": record({name: nullable(whole("Credits.")) for name in _CAPS}, "The most it may spend."),
    "spent": record({name: whole("Credits.", example=0) for name in _CAPS}, "What it has spent."),
    "last_used_at": nullable(moment()),
    "last_used_address": nullable(text()),
    "created_at": moment(),
    "revoked_at": nullable(moment()),
    "frozen_at": nullable(moment("When it was found in public, or frozen by the shop.")),
    "frozen_reason": nullable(text()),
    "replaced_by": nullable(text("The id of the key that it was rotated into.")),
}
KEY = component("Key", record(_MEMBERS))
NEW_KEY = component(
    "NewKey",
    record(
        {
            **_MEMBERS,
            "secret": text(
                "The key itself, shown this once.", example="tt_test_ab12cd34ef56gh78ij90kl12mn34op0Ab3Xz"
            ),
        }
    ),
)

_SETTABLE: dict[str, Schema] = {
    "name": text(f"1 to {MAX_NAME} characters, one line.", example="build server", minLength=1),
    "scopes": array(word(SCOPES), "What it may do; none that you do not have.", minItems=1),
    "expires_at": nullable(moment("In the future, with its zone.")),
    "allowed_addresses": array(
        text(example="203.0.113.0/24"),
        f"At most {MAX_ADDRESSES} addresses or networks.",
        maxItems=MAX_ADDRESSES,
    ),
    "rate_per_minute": nullable(whole("At most what the organization has.", minimum=1)),
    "burst": nullable(whole("At most what the organization has.", minimum=1)),
    "max_open_tasks": nullable(whole("At most what the organization has.", minimum=1)),
    "spend_caps": nullable(
        body(
            {name: nullable(whole("Credits.", minimum=1, maximum=MAX_CAP_CREDITS)) for name in _CAPS},
            additionalProperties=False,
        )
    ),
}
CREATE = component(
    "CreateKey",
    body(
        {**_SETTABLE, "livemode": nullable(flag("As the key that asks unless you say otherwise."))},
        required=["name", "scopes"],
        additionalProperties=False,
    ),
)
CHANGE = component(
    "ChangeKey",
    body(_SETTABLE, "What is not named stays; null takes a limit back.", additionalProperties=False),
)
_LONGEST, _USUAL = int(LONGEST_OVERLAP.total_seconds()), int(USUAL_OVERLAP.total_seconds())
ROTATE = component(
    "RotateKey",
    body(
        {
            "overlap_seconds": nullable(
                whole(f"How long the old key works on; {_USUAL} unless you say.", minimum=0, maximum=_LONGEST)
            )
        },
        additionalProperties=False,
    ),
)
