"""What apps above want to hear of. Filled in their AppConfig.ready(), run in order inside the caller's
transaction; an error in one propagates and undoes the whole.
"""

from collections.abc import Callable

from accounts.models import Organization, Shop, User

shop_opened: list[Callable[[Shop], None]] = []
organization_created: list[Callable[[Organization], None]] = []
# The person, whose `email_confirmed_at` is set by now, and the address that they did it from.
address_confirmed: list[Callable[[User, str], None]] = []
