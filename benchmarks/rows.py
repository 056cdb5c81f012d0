"""Rows by plain SQL, as fast as the database takes them, and in a state that the audit finds right."""

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from accounts import keys

PRICE_CREDITS = 15
CREDITS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seat:
    """Who orders: an organization with its wallet and one live key, of which `secret` is the text."""

    organization: int
    wallet: int
    key: int
    actor: str
    secret: str
    model: int


def found(connection: "psycopg.Connection[Any]", count: int) -> list[Seat]:
    """So many organizations of the first shop, with plenty of credits, open tasks without limit and a key each."""
    shop, model = _on_sale(connection)
    return [_found_one(connection, shop, model) for _ in range(count)]


def shops(connection: "psycopg.Connection[Any]", count: int) -> dict[str, Seat]:
    """So many more shops, which sell what the first one does: the host of each, and an organization there."""
    _first, model = _on_sale(connection)
    made = connection.execute(SHOPS, {"count": count, "model": model, "credits": PRICE_CREDITS}).fetchall()
    connection.execute("ANALYZE accounts_shop, accounts_shopdomain, generations_modelprice")
    return {host: _found_one(connection, shop, model) for shop, host in made}


SHOPS = """
WITH made AS (
    INSERT INTO accounts_shop (slug, name, accent, currency, logo_has_name)
    SELECT 'bench-' || number, 'Shop ' || number, '#a8470a', 'usd', false FROM generate_series(1, %(count)s) AS number
    RETURNING id, slug
), priced AS (
    INSERT INTO generations_modelprice (shop_id, model_id, credits, valid_from)
    SELECT id, %(model)s, %(credits)s, '2000-01-01T00:00:00Z' FROM made
)
INSERT INTO accounts_shopdomain (shop_id, host, is_primary, active)
SELECT id, slug || '.example', true, true FROM made RETURNING shop_id, host
"""


UPSTREAMS = """
WITH made AS (
    INSERT INTO generations_upstream (shop_id, name, provider, base_url, sealed_credential, sealed_webhook_secret,
        model_names, sizes, min_side, max_side, priority, weight, concurrency, cost_micros, cost_unit, resends,
        uses_webhooks, enabled)
    SELECT id, 'Main', 'portal', 'http://127.0.0.1:9', '', '', '{"z-image-turbo": "z-image-turbo"}', '[]', 256, 1536,
        10, 1, 10, 0, 'image', false, false, true
    FROM accounts_shop RETURNING id
)
INSERT INTO generations_upstreamstate (upstream_id, in_flight, failures, openings, reason, detail)
SELECT id, 0, 0, 0, '', '' FROM made
"""


def upstreams(connection: "psycopg.Connection[Any]") -> None:
    """One for each shop, that nobody answers for: while workers stand still, orders alone look at it."""
    connection.execute(UPSTREAMS)
    connection.execute("ANALYZE generations_upstream, generations_upstreamstate")


def _on_sale(connection: "psycopg.Connection[Any]") -> tuple[int, int]:
    """(shop, model) of the first price."""
    shop, model = _one(connection, "SELECT shop_id, model_id FROM generations_modelprice ORDER BY id LIMIT 1")
    return shop, model


def _found_one(connection: "psycopg.Connection[Any]", shop: int, model: int) -> Seat:
    with connection.transaction():
        name = f"bench-{secrets.token_hex(6)}"
        (organization,) = _one(
            connection,
            "INSERT INTO accounts_organization (shop_id, slug, name) VALUES (%s, %s, %s) RETURNING id",
            (shop, name, name),
        )
        (wallet,) = _one(
            connection,
            "INSERT INTO billing_wallet (organization_id, available, held, owed, value_micros, open_tasks,"
            " open_limit) VALUES (%s, %s, 0, 0, 0, 0, 1000000) RETURNING id",
            (organization, CREDITS),
        )
        connection.execute(
            "INSERT INTO billing_ledgerentry (wallet_id, kind, available, held, owed, value_micros, reference,"
            " actor) VALUES (%s, 'grant', %s, 0, 0, 0, %s, 'system')",
            (wallet, CREDITS, f"manual:{uuid.uuid4()}"),
        )
        secret = keys.mint(livemode=True)
        public_id = f"key_{secrets.token_hex(12)}"
        (key,) = _one(
            connection,
            "INSERT INTO accounts_apikey (organization_id, public_id, name, livemode, prefix, digest, scopes,"
            " allowed_addresses) VALUES (%s, %s, 'bench', true, %s, %s, %s, '[]') RETURNING id",
            (
                organization,
                public_id,
                secret[: keys.SHOWN_LENGTH],
                keys.digest(secret),
                json.dumps(["generate", "read"]),
            ),
        )
        connection.execute(
            "INSERT INTO billing_keyusage (key_id, open_tasks, day_credits, month_credits, lifetime_credits)"
            " VALUES (%s, 0, 0, 0, 0)",
            (key,),
        )
    return Seat(organization, wallet, key, f"key:{public_id}", secret, model)


# One statement, so that nobody sees it half done: each open order of the given ones is canceled and released.
SETTLE = """
WITH ended AS (
    UPDATE generations_generation
    SET status = 'canceled', error_type = 'canceled', lease_until = NULL, finished_at = statement_timestamp()
    WHERE status IN ('queued', 'running') AND organization_id = ANY(%(organizations)s)
    RETURNING task_id, organization_id, key_id, price_credits
), released AS (
    INSERT INTO billing_ledgerentry (
        wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at)
    SELECT w.id, 'release', e.price_credits, -e.price_credits, 0, 0, 'generation:' || e.task_id, 'system',
           statement_timestamp()
    FROM ended e JOIN billing_wallet w ON w.organization_id = e.organization_id
), used AS (
    UPDATE billing_keyusage u
    SET open_tasks = open_tasks - e.tasks, lifetime_credits = lifetime_credits - e.credits,
        day_credits = GREATEST(day_credits - e.credits, 0), month_credits = GREATEST(month_credits - e.credits, 0)
    FROM (SELECT key_id, count(*) AS tasks, sum(price_credits) AS credits FROM ended GROUP BY key_id) e
    WHERE u.key_id = e.key_id
), freed AS (
    UPDATE billing_wallet w
    SET available = available + e.credits, held = held - e.credits, open_tasks = open_tasks - e.tasks
    FROM (
        SELECT organization_id, count(*) AS tasks, sum(price_credits) AS credits FROM ended GROUP BY organization_id
    ) e
    WHERE w.organization_id = e.organization_id
)
SELECT count(*) FROM ended
"""
HOT_TABLES = ("generations_generation", "billing_ledgerentry", "billing_keyusage", "billing_wallet")


def settle_open(connection: "psycopg.Connection[Any]", seats: Sequence[Seat]) -> int:
    """Cancels what is open of these seats, and tidies the tables up. How many orders that were."""
    (count,) = _one(connection, SETTLE, {"organizations": [seat.organization for seat in seats]})
    connection.execute(f"VACUUM {', '.join(HOT_TABLES)}")
    return int(count)


def _one(connection: "psycopg.Connection[Any]", query: str, values: Any = None) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError(query)
    return row
