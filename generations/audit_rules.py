"""What the ledger says of generations must be what the generations say themselves."""

from billing.audit import Grouping, Mark, Rule, sums

_OF_ENTRY = "e.reference LIKE 'generation:%%' AND g.task_id = SUBSTR(e.reference, 12)"
_REFERENCE = "'generation:' || g.task_id"
_SETTLED = f"""
    LEFT JOIN billing_ledgerentry h ON h.reference = {_REFERENCE} AND h.kind = 'hold'
    LEFT JOIN billing_ledgerentry s ON s.reference = {_REFERENCE} AND s.kind IN ('capture', 'release')
"""
# Each generation, also one that got an image after it was proven. SQLite starts where a CROSS JOIN does, and each +
# keeps it from an index that holds all older ones.
_DELIVERED = """(
        SELECT id FROM generations_generation WHERE id > %(generations)s
        UNION ALL
        SELECT DISTINCT +generation_id FROM generations_image
        WHERE id > %(images)s AND +generation_id <= %(generations)s
    ) young CROSS JOIN generations_generation g
"""

MARKS = [
    Mark(
        "generations",
        newest="SELECT MAX(id) FROM generations_generation",
        changing="SELECT MIN(id) FROM generations_generation WHERE finished_at IS NULL",
    ),
    Mark("images", newest="SELECT MAX(id) FROM generations_image"),
]
KEYS = Grouping(
    "key",
    subject="COALESCE(k.family_id, k.id)",  # keys that were rotated into one another share a row of usage
    join=f"JOIN generations_generation g ON {_OF_ENTRY} AND g.livemode JOIN accounts_apikey k ON k.id = g.key_id",
)

RULES = [
    Rule(
        "open_hold_without_an_open_generation",
        """
        SELECT e.reference, e.held FROM billing_ledgerentry e
        WHERE e.kind = 'hold' AND e.id > %(entries)s AND e.reference LIKE 'generation:%%'
          AND NOT EXISTS (SELECT 1 FROM billing_ledgerentry s
                          WHERE s.reference = e.reference AND s.kind IN ('capture', 'release'))
          AND NOT EXISTS (SELECT 1 FROM generations_generation g
                          WHERE g.task_id = SUBSTR(e.reference, 12) AND g.status IN ('queued', 'running'))
        """,
    ),
    Rule(
        "live_generation_is_not_held_or_settled_as_its_status_says",
        f"""
        SELECT g.task_id, g.status, g.price_credits, h.held, s.kind AS settlement, w.organization_id AS payer
        FROM generations_generation g {_SETTLED}
        LEFT JOIN billing_wallet w ON w.id = h.wallet_id
        WHERE g.livemode AND g.id > %(generations)s AND (
            h.id IS NULL OR h.held <> g.price_credits OR w.organization_id <> g.organization_id
            OR (g.status IN ('queued', 'running') AND s.id IS NOT NULL)
            OR (g.status = 'succeeded' AND (s.id IS NULL OR s.kind <> 'capture'))
            OR (g.status IN ('failed', 'canceled') AND (s.id IS NULL OR s.kind <> 'release')))
        """,
    ),
    Rule(
        "capture_is_not_the_price_of_what_was_delivered",
        f"""
        SELECT g.task_id, g.n, COUNT(i.id) AS delivered, g.price_credits,
               s.owed - s.held - s.available AS consumed
        FROM {_DELIVERED}
        JOIN billing_ledgerentry s ON s.reference = {_REFERENCE} AND s.kind = 'capture'
        LEFT JOIN generations_image i ON i.generation_id = g.id
        WHERE g.id = young.id AND g.livemode
        GROUP BY g.id, s.id
        HAVING (s.owed - s.held - s.available) * g.n <> g.price_credits * COUNT(i.id)
        """,
    ),
    Rule(
        "test_generation_touched_the_wallet",
        f"""
        SELECT g.task_id, e.kind, e.held
        FROM billing_ledgerentry e JOIN generations_generation g ON {_OF_ENTRY}
        WHERE e.id > %(entries)s AND NOT g.livemode
        """,
    ),
    Rule(
        "delivery_does_not_fit_its_status",
        f"""
        SELECT g.task_id, g.status, COUNT(i.id) AS images
        FROM {_DELIVERED}
        LEFT JOIN generations_image i ON i.generation_id = g.id
        WHERE g.id = young.id
        GROUP BY g.id
        HAVING (g.status = 'succeeded' AND COUNT(i.id) = 0)
            OR (g.status <> 'succeeded' AND COUNT(i.id) > 0) OR COUNT(i.id) > g.n
        """,
    ),
    Rule(
        "upstream_does_not_work_on_what_its_attempts_say",
        """
        SELECT u.name AS upstream, s.in_flight, COALESCE(a.open_attempts, 0) AS open_attempts
        FROM generations_upstreamstate s
        JOIN generations_upstream u ON u.id = s.upstream_id
        LEFT JOIN (SELECT upstream_id, COUNT(*) AS open_attempts FROM generations_attempt
                   WHERE upstream_id IS NOT NULL AND outcome = '' GROUP BY upstream_id) a
               ON a.upstream_id = s.upstream_id
        WHERE s.in_flight <> COALESCE(a.open_attempts, 0)
        """,
    ),
    Rule(
        "key_usage_is_not_what_its_generations_say",
        """
        SELECT k.prefix AS key_prefix, u.open_tasks, g.open_generations
        FROM billing_keyusage u
        JOIN accounts_apikey k ON k.id = u.key_id
        LEFT JOIN (SELECT COALESCE(f.family_id, f.id) AS key_id, COUNT(*) AS open_generations
                   FROM generations_generation o JOIN accounts_apikey f ON f.id = o.key_id
                   WHERE o.finished_at IS NULL GROUP BY COALESCE(f.family_id, f.id)) g ON g.key_id = u.key_id
        WHERE u.open_tasks <> COALESCE(g.open_generations, 0)
        """,
    ),
    Rule(
        "key_has_not_spent_what_its_generations_cost",
        f"""
        SELECT k.prefix AS key_prefix, u.lifetime_credits, entries.owed - entries.available AS spent
        FROM billing_keyusage u
        JOIN accounts_apikey k ON k.id = u.key_id
        LEFT JOIN ({sums(KEYS)}) entries ON entries.subject_id = u.key_id
        WHERE u.lifetime_credits <> COALESCE(entries.owed - entries.available, 0)
        """,
    ),
]
