"""What a ledger must agree on by itself, whatever its entries pay for."""

from billing.audit import Grouping, Mark, Rule, sums

WALLETS = Grouping("wallet", subject="e.wallet_id")
_SUMS_OF_WALLETS = sums(WALLETS)

ENTRIES = Mark(
    "entries",
    newest="SELECT MAX(id) FROM billing_ledgerentry",
    changing="""
        SELECT MIN(h.id) FROM billing_ledgerentry h
        WHERE h.kind = 'hold' AND h.id > %(entries)s AND NOT EXISTS (
            SELECT 1 FROM billing_ledgerentry s
            WHERE s.reference = h.reference AND s.kind IN ('capture', 'release'))
    """,
)

RULES = [
    Rule(
        "organization_has_no_wallet",
        """
        SELECT o.slug AS organization FROM accounts_organization o
        WHERE NOT EXISTS (SELECT 1 FROM billing_wallet w WHERE w.organization_id = o.id)
        """,
    ),
    Rule(
        "wallet_is_not_the_sum_of_its_entries",
        f"""
        SELECT o.slug AS wallet, w.available, entries.available AS entries_available,
               w.held, entries.held AS entries_held, w.owed, entries.owed AS entries_owed,
               w.value_micros, entries.value_micros AS entries_value_micros
        FROM billing_wallet w
        JOIN accounts_organization o ON o.id = w.organization_id
        LEFT JOIN ({_SUMS_OF_WALLETS}) entries ON entries.subject_id = w.id
        WHERE w.available <> COALESCE(entries.available, 0) OR w.held <> COALESCE(entries.held, 0)
           OR w.owed <> COALESCE(entries.owed, 0) OR w.value_micros <> COALESCE(entries.value_micros, 0)
        """,
    ),
    Rule(
        "wallet_open_tasks_are_not_its_open_holds",
        f"""
        SELECT o.slug AS wallet, w.open_tasks, entries.open_holds
        FROM billing_wallet w
        JOIN accounts_organization o ON o.id = w.organization_id
        LEFT JOIN ({_SUMS_OF_WALLETS}) entries ON entries.subject_id = w.id
        WHERE w.open_tasks <> COALESCE(entries.open_holds, 0)
        """,
    ),
    Rule(
        "wallet_is_in_an_impossible_state",
        """
        SELECT o.slug AS wallet, w.available, w.held, w.owed, w.value_micros, w.open_tasks
        FROM billing_wallet w JOIN accounts_organization o ON o.id = w.organization_id
        WHERE w.available < 0 OR w.held < 0 OR w.owed < 0 OR w.value_micros < 0 OR w.open_tasks < 0
           OR (w.owed > 0 AND w.available > 0)
        """,
    ),
    Rule(
        "settlement_does_not_match_its_hold",
        """
        SELECT s.reference, s.kind, s.held AS settled, h.held
        FROM billing_ledgerentry s
        LEFT JOIN billing_ledgerentry h ON h.reference = s.reference AND h.kind = 'hold'
        WHERE s.kind IN ('capture', 'release') AND s.id > %(entries)s
          AND (h.id IS NULL OR h.wallet_id <> s.wallet_id OR h.held <> -s.held)
        """,
    ),
    Rule(
        "reference_is_settled_twice",
        """
        SELECT s.reference, s.kind FROM billing_ledgerentry s
        WHERE s.kind IN ('capture', 'release') AND s.id > %(entries)s AND EXISTS (
            SELECT 1 FROM billing_ledgerentry o
            WHERE o.reference = s.reference AND o.kind IN ('capture', 'release') AND o.id < s.id)
        """,
    ),
]
