"""What apps above want to hear of. Filled in their AppConfig.ready(), run in order inside the caller's
transaction; an error in one propagates and undoes the whole. Where that is otherwise, it is said.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import ApiKey, Organization, Shop, User

shop_opened: list[Callable[[Shop], None]] = []
# What a shop has to have and has not, in words for whoever works at the desk.
shop_lacks: list[Callable[[Shop], Iterator[str]]] = []
# It is suspended, or is being closed, from now on: nothing new is made or bought there.
shop_paused: list[Callable[[Shop], None]] = []
# It is closed from now on: what could be used in its name is forgotten.
shop_closed: list[Callable[[Shop], None]] = []
# What belongs into the export of a shop, by name: settings, prices, packs, and no secrets. In no transaction.
shop_sections: list[Callable[[Shop], Mapping[str, Any]]] = []
# Whether amounts in the shop's currency are written down already, so that it has to stay.
currency_is_used: list[Callable[[Shop], bool]] = []
organization_created: list[Callable[[Organization], None]] = []
# The person, whose `email_confirmed_at` is set by now, and the address that they did it from.
address_confirmed: list[Callable[[User, str], None]] = []
# The person, and the address that they came from. Outside of a transaction, and nothing here may keep them out: whoever
# is called deals with errors by itself.
signed_in: list[Callable[[User, str], None]] = []

# The key that was found in public and is frozen by now, and a machine word: who found it.
key_leaked: list[Callable[[ApiKey, str], None]] = []

# --- The end of an organization, in no transaction: each opens its own, and may be called any number of times.

# What its deletion would lose, in words for people, such as "1,500 credits".
closing_losses: list[Callable[[Organization], Iterator[str]]] = []
# Once its deletion was asked for, and again and again until it is closed: ends what is under way. Whether nothing of
# it stands in the way of closing.
organization_closing: list[Callable[[Organization], bool]] = []
# When it closes: blanks what names people or shows what they made. Each step commits a portion; a run that broke off
# is repeated from the start.
organization_blanked: list[Callable[[Organization], Iterator[None]]] = []

# --- People

# Before the row is blanked, so that it still bears its address.
person_erased: list[Callable[[User], None]] = []
# What else belongs into the copy of a person's own data, by name.
person_sections: list[Callable[[User], Mapping[str, Any]]] = []

# --- Sealed texts

# Encrypts those of an app anew under the newest key: how many, and whose cannot be read; then nothing was changed. In
# the transaction of `manage.py reseal`.
resealed: list[Callable[[], tuple[int, list[str]]]] = []

# --- Exports


@dataclass(frozen=True, slots=True)
class ExportDocument:
    """A JSON document of the archive: an array of `rows`, which are read as they are written."""

    name: str
    rows: Iterator[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of the archive. `read` raises FileNotFoundError for one that went meanwhile."""

    name: str
    byte_size: int
    read: Callable[[], bytes]


# In no transaction: an export takes minutes. Rows are fetched by portions.
export_sections: list[Callable[[Organization], Iterator[ExportDocument | ExportFile]]] = []
