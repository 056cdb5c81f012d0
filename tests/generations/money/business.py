"""Random business: orders of several customers at several upstreams, with every way in which they end and cost."""

import random

from billing import ledger
from generations import circuit, lifecycle
from generations.models import Attempt, Generation, Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    an_access,
    an_organization,
    an_upstream,
    new_reference,
    stored_images,
)


def upstreams() -> list[Upstream]:
    return [an_upstream(cost_micros=cost, concurrency=100) for cost in (3_333, 5_000, 12_345)]


def do_business(seed: int, orders: int) -> None:
    """The same for the same seed."""
    chance = random.Random(seed)
    known = upstreams()
    credits = max(1000, orders * 3 * PRICE_CREDITS)  # enough for all orders by one of them
    customers = [an_organization(credits, chance.randrange(1, 10**9)) for _ in range(3)]
    for customer in customers[:2]:
        ledger.grant(customer.pk, 77, reference=new_reference(), actor="system")
    accesses = [an_access(customer) for customer in customers]
    for _ in range(orders):
        one_order(chance, a_generation(chance.choice(accesses), n=chance.choice((1, 1, 3))), known)


def one_order(chance: random.Random, generation: Generation, known: list[Upstream]) -> None:
    """Up to two attempts that bring nothing, then one that does, or an end without any."""
    for _ in range(chance.randrange(3)):
        attempt = begun(chance, generation, known)
        outcome = chance.choice(("busy", "failed", "not_stored"))
        cost = chance.choice((0, attempt.possible_cost_micros))
        again = attempt.generation
        assert lifecycle.hand_back(
            again, 0, attempt=attempt, outcome=outcome, cost_micros=cost, limited=False
        )
        generation = Generation.objects.get(pk=generation.pk)
    attempt = begun(chance, generation, known)
    working, cost = attempt.generation, attempt.possible_cost_micros
    match chance.randrange(5):
        case 0:
            assert lifecycle.fail(
                working, "content_rejected", attempt=attempt, outcome="rejected", cost_micros=cost
            )
        case 1:
            lifecycle.cancel(working, at_shops_expense=True)  # customers may do so only now and then
            lifecycle.book_late(attempt, OutcomeKind.OK, detail="", cost_micros=cost)
        case 2:
            assert lifecycle.abandon(attempt, "lost")
        case _:
            made = chance.randrange(1, working.n + 1)
            assert lifecycle.succeed(working, attempt, stored_images(working, made), cost_micros=cost)


def begun(chance: random.Random, generation: Generation, known: list[Upstream]) -> Attempt:
    UpstreamState.objects.update(**circuit.CLOSED)  # so many failures would keep it from all others
    attempt = lifecycle.begin(generation, chance.choice(known))
    assert attempt is not None
    Attempt.objects.filter(pk=attempt.pk).update(n=generation.n)
    attempt.n = generation.n
    return attempt
