"""What the ledger says of generations must be what the generations say themselves."""

from billing.audit import Rule

_REFERENCE = "'generation:' || g.task_id"
_SETTLED = f"""
    LEFT JOIN billing_ledgerentry h ON h.reference = {_REFERENCE} AND h.kind = 'hold'
    LEFT JOIN billing_ledgerentry s ON s.reference = {_REFERENCE} AND s.kind IN ('capture', 'release')
"""

RULES = [
    Rule(
        "open_hold_without_an_open_generation",
        """
        SELECT h.reference, h.held FROM billing_ledgerentry h
        WHERE h.kind = 'hold' AND h.reference LIKE 'generation:%'
          AND NOT EXISTS (SELECT 1 FROM billing_ledgerentry s
                          WHERE s.reference = h.reference AND s.kind IN ('capture', 'release'))
          AND NOT EXISTS (SELECT 1 FROM generations_generation g
                          WHERE 'generation:' || g.task_id = h.reference AND g.status IN ('queued', 'running'))
        """,
    ),
    Rule(
        "live_generation_is_not_held_or_settled_as_its_status_says",
        f"""
        SELECT g.task_id, g.status, g.price_credits, h.held, s.kind AS settlement, w.organization_id AS payer
        FROM generations_generation g {_SETTLED}
        LEFT JOIN billing_wallet w ON w.id = h.wallet_id
        WHERE g.livemode AND (
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
        FROM generations_generation g {_SETTLED}
        LEFT JOIN generations_image i ON i.generation_id = g.id
        WHERE g.livemode AND s.kind = 'capture'
        GROUP BY g.task_id, g.n, g.price_credits, s.owed, s.held, s.available
        HAVING (s.owed - s.held - s.available) * g.n <> g.price_credits * COUNT(i.id)
        """,
    ),
    Rule(
        "test_generation_touched_the_wallet",
        f"""
        SELECT g.task_id, h.held FROM generations_generation g {_SETTLED}
        WHERE NOT g.livemode AND (h.id IS NOT NULL OR s.id IS NOT NULL)
        """,
    ),
    Rule(
        "delivery_does_not_fit_its_status",
        """
        SELECT g.task_id, g.status, COUNT(i.id) AS images
        FROM generations_generation g LEFT JOIN generations_image i ON i.generation_id = g.id
        GROUP BY g.task_id, g.status, g.n
        HAVING (g.status = 'succeeded' AND COUNT(i.id) = 0)
            OR (g.status <> 'succeeded' AND COUNT(i.id) > 0) OR COUNT(i.id) > g.n
        """,
    ),
    Rule(
        "key_usage_is_not_what_its_generations_say",
        """
        SELECT k.prefix AS key_prefix, u.open_tasks, COUNT(g.id) AS open_generations
        FROM billing_keyusage u
        JOIN accounts_apikey k ON k.id = u.key_id
        LEFT JOIN generations_generation g ON g.key_id = u.key_id AND g.status IN ('queued', 'running')
        GROUP BY k.prefix, u.id, u.open_tasks HAVING u.open_tasks <> COUNT(g.id)
        """,
    ),
    Rule(
        "key_has_not_spent_what_its_generations_cost",
        """
        SELECT k.prefix AS key_prefix, u.lifetime_credits, COALESCE(SUM(
                   h.held + CASE WHEN s.id IS NULL THEN 0 ELSE s.owed - s.available END), 0) AS spent
        FROM billing_keyusage u
        JOIN accounts_apikey k ON k.id = u.key_id
        LEFT JOIN generations_generation g ON g.key_id = u.key_id AND g.livemode
        LEFT JOIN billing_ledgerentry h ON h.reference = 'generation:' || g.task_id AND h.kind = 'hold'
        LEFT JOIN billing_ledgerentry s
               ON s.reference = 'generation:' || g.task_id AND s.kind IN ('capture', 'release')
        GROUP BY k.prefix, u.id, u.lifetime_credits
        HAVING u.lifetime_credits <> COALESCE(SUM(
                   h.held + CASE WHEN s.id IS NULL THEN 0 ELSE s.owed - s.available END), 0)
        """,
    ),
]
