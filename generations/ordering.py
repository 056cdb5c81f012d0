"""The door for every order, from keys and from people alike: what is decided before anything is held."""

from accounts.access import Access
from accounts.errors import RateLimited
from billing.errors import InsufficientCredits
from generations import lifecycle
from generations.catalogue import DEFAULT_MODEL
from generations.models import Generation, price_now
from generations.providers.sandbox import steered_word
from generations.request import ImageRequest

STEERED_RETRY_S = 1


def order(
    access: Access, request: ImageRequest, *, endpoint: str, idempotency_key: str | None = None
) -> Generation:
    """Raises what lifecycle.submit raises."""
    if not access.livemode:
        _act_as_steered(access, request.prompt)
    return lifecycle.submit(access, request, endpoint=endpoint, idempotency_key=idempotency_key)


def _act_as_steered(access: Access, prompt: str) -> None:
    """Test keys can try the answers that live keys get when credits or limits run out."""
    word = steered_word(prompt)
    if word == "402":
        _model_id, price = price_now(access.organization.shop_id, DEFAULT_MODEL)
        raise InsufficientCredits(required=price, available=0)
    if word == "429":
        raise RateLimited(retry_after=STEERED_RETRY_S)
