"""Whether what was set up at Stripe is as it should be; asked by an operator, changes nothing."""

from dataclasses import dataclass

from stripe.params import WebhookEndpointListParams

from billing.models import StripeAccount
from billing.stripe_gateway.facts import PAGE
from billing.stripe_gateway.line import asking

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that Stripe tells of events. `events`: their types, or EVERYTHING alone."""

    url: str
    is_enabled: bool
    events: tuple[str, ...]

    def lacks(self, types: tuple[str, ...]) -> list[str]:
        return [] if EVERYTHING in self.events else [name for name in types if name not in self.events]


def try_key(account: StripeAccount) -> None:
    """By the least that every key needs a right to, its events. Raises StripeAway, KeyRefused or StripeRefused."""
    with asking(account) as client:
        client.v1.events.list({"limit": 1})


def endpoints(account: StripeAccount) -> list[Endpoint]:
    """Refused unless the key may read them, which nothing else needs."""
    params: WebhookEndpointListParams = {"limit": PAGE}
    with asking(account) as client:
        found = client.v1.webhook_endpoints.list(params).data
    return [Endpoint(one.url, one.status == "enabled", tuple(one.enabled_events)) for one in found]
