"""The door for every order, from keys and from people alike: what is decided before anything is held."""

from contextlib import suppress
from typing import NoReturn

from accounts.access import Access
from accounts.errors import RateLimited
from billing.errors import InsufficientCredits
from generations import content, lifecycle, storage
from generations.catalogue import DEFAULT_MODEL
from generations.errors import NotOnSale, UnknownModel, UpstreamMissing
from generations.models import Generation, price_now
from generations.providers.sandbox import steered_word
from generations.request import ImageRequest

STEERED_RETRY_S = 1
STEERED_REFUSALS = ("402", "429")


def order(
    access: Access,
    request: ImageRequest,
    *,
    endpoint: str,
    idempotency_key: str | None = None,
    its_try: lifecycle.Try | None = None,
) -> Generation:
    """`its_try`: of a client that waits for the answer and posts again when it got none.

    Raises ContentRejected, Unavailable (a classifier failed), UnknownModel, and what lifecycle.submit raises.
    """
    content.refuse_unwanted(access, request)
    word = None if access.livemode else steered_word(request.prompt)
    if word in STEERED_REFUSALS:
        if idempotency_key is not None:
            lifecycle.replayed(access, idempotency_key, request.digest(endpoint))
        _refuse_as_steered(access, request, word)
    try:
        return lifecycle.submit(
            access, request, endpoint=endpoint, idempotency_key=idempotency_key, its_try=its_try
        )
    except (NotOnSale, UpstreamMissing):
        price_of(access, request)
        raise


def price_of(access: Access, request: ImageRequest) -> int:
    """Credits for all of its images, by a live key. Raises UnknownModel; NotOnSale when the usual one is missing."""
    try:
        _model_id, price = price_now(access.organization.shop_id, request.model or DEFAULT_MODEL)
    except NotOnSale:
        if request.model:
            raise UnknownModel(param="model") from None
        raise
    return price * request.n


def _refuse_as_steered(access: Access, request: ImageRequest, word: str) -> NoReturn:
    """Test keys can try the answers that live keys get when credits or limits run out."""
    if word == "402":
        raise InsufficientCredits(required=price_of(access, request), available=0)
    raise RateLimited(retry_after=STEERED_RETRY_S)


def cancel(generation: Generation) -> None:
    """Raises AlreadyEnded. A worker that still has it finds that out, and discards what it made."""
    lifecycle.cancel(generation)
    with suppress(OSError):  # it is canceled all the same
        storage.delete_unsettled(generation.task_id, generation.claim)
