"""What the ledger says was given for orders must have its cause, and be as much as that says: incidents and what each
organization got of them, orders that were made again, goodwill for one.

What an operator gave for one order is written in the audit log alone, which has no index for this: there the order, its
payer and the kind of the entry are compared, not the amount.
"""

from billing.audit import Grouping, Rule, sums

# `incident:` and an id of 28 characters stand before the task.
_INCIDENT = "e.reference LIKE 'incident:%%' AND i.public_id = SUBSTR(e.reference, 10, 28)"
_GIVEN = "e.available - e.owed"

SHARES = Grouping(
    "incident_share",
    subject="h.id",
    join=f"""
        JOIN generations_incident i ON {_INCIDENT}
        JOIN billing_wallet w ON w.id = e.wallet_id
        JOIN generations_incidentshare h ON h.incident_id = i.id AND h.organization_id = w.organization_id
    """,
)

RULES = [
    Rule(
        "incident_gift_is_not_what_the_incident_gives",
        f"""
        SELECT e.reference, e.kind, {_GIVEN} AS granted FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'incident:%%' AND (e.kind <> 'grant' OR NOT EXISTS (
            SELECT 1 FROM generations_incident i
            JOIN billing_wallet w ON w.id = e.wallet_id
            JOIN generations_incidentshare h ON h.incident_id = i.id AND h.organization_id = w.organization_id
            JOIN generations_generation g ON g.task_id = SUBSTR(e.reference, 39)
            WHERE {_INCIDENT} AND g.livemode AND g.organization_id = w.organization_id
              AND {_GIVEN} = COALESCE(i.credits_each, g.price_credits)))
        """,
    ),
    Rule(
        "incident_share_is_not_what_was_granted",
        f"""
        SELECT i.public_id AS incident, h.organization_id AS organization, h.tasks, h.credits,
               entries.available - entries.owed AS granted
        FROM generations_incidentshare h
        JOIN generations_incident i ON i.id = h.incident_id
        LEFT JOIN ({sums(SHARES)}) entries ON entries.subject_id = h.id
        WHERE h.credits <> COALESCE(entries.available - entries.owed, 0)
           OR (h.tasks = 0) <> (h.credits = 0) OR CAST(h.tasks AS BIGINT) * i.credits_each <> h.credits
        """,
    ),
    Rule(
        "order_made_again_is_not_what_was_granted",
        f"""
        SELECT g.task_id, g.price_credits, {_GIVEN} AS granted, w.organization_id AS granted_to
        FROM generations_generation g
        JOIN generations_generation o ON o.id = g.retry_of_id
        LEFT JOIN billing_ledgerentry e ON e.reference = 'retry:' || o.task_id AND e.kind = 'grant'
        LEFT JOIN billing_wallet w ON w.id = e.wallet_id
        WHERE g.retry_of_id IS NOT NULL AND g.id > %(generations)s AND (
            e.id IS NULL OR {_GIVEN} <> g.price_credits OR w.organization_id <> g.organization_id)
        """,
    ),
    Rule(
        "credits_for_an_order_made_again_without_one",
        f"""
        SELECT e.reference, e.kind, {_GIVEN} AS granted FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'retry:%%' AND (e.kind <> 'grant' OR NOT EXISTS (
            SELECT 1 FROM generations_generation o
            JOIN generations_generation g ON g.retry_of_id = o.id AND g.retry_of_id IS NOT NULL
            WHERE o.task_id = SUBSTR(e.reference, 7)))
        """,
    ),
    Rule(
        "goodwill_for_an_order_that_is_not_its_organization_s",
        f"""
        SELECT e.reference, e.kind, {_GIVEN} AS granted FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'goodwill:%%' AND (e.kind <> 'grant' OR NOT EXISTS (
            SELECT 1 FROM generations_generation g
            JOIN billing_wallet w ON w.organization_id = g.organization_id
            WHERE g.task_id = SUBSTR(e.reference, 10) AND g.livemode AND w.id = e.wallet_id))
        """,
    ),
]
