"""What apps above want to hear of. Filled in their AppConfig.ready(), run in order inside the caller's
transaction; an error in one propagates and undoes the whole.
"""

from collections.abc import Callable

from accounts.models import Organization, Shop, User

shop_opened: list[Callable[[Shop], None]] = []
# Whether amounts in the shop's currency are written down already, so that it has to stay.
currency_is_used: list[Callable[[Shop], bool]] = []
organization_created: list[Callable[[Organization], None]] = []
# The person, whose `email_confirmed_at` is set by now, and the address that they did it from.
address_confirmed: list[Callable[[User, str], None]] = []
# The person, and the address that they came from. Outside of a transaction, and nothing here may keep them out: whoever
# is called deals with errors by itself.
signed_in: list[Callable[[User, str], None]] = []
