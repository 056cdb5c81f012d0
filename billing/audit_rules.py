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
        SELECT o.slug AS organization, o.shop_id AS shop FROM accounts_organization o
        WHERE NOT EXISTS (SELECT 1 FROM billing_wallet w WHERE w.organization_id = o.id)
        """,
    ),
    Rule(
        "wallet_is_not_the_sum_of_its_entries",
        f"""
        SELECT o.slug AS wallet, o.shop_id AS shop, w.available, entries.available AS entries_available,
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
        SELECT o.slug AS wallet, o.shop_id AS shop, w.open_tasks, entries.open_holds
        FROM billing_wallet w
        JOIN accounts_organization o ON o.id = w.organization_id
        LEFT JOIN ({_SUMS_OF_WALLETS}) entries ON entries.subject_id = w.id
        WHERE w.open_tasks <> COALESCE(entries.open_holds, 0)
        """,
    ),
    Rule(
        "wallet_is_in_an_impossible_state",
        """
        SELECT o.slug AS wallet, o.shop_id AS shop, w.available, w.held, w.owed, w.value_micros, w.open_tasks
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
    Rule(
        "payment_is_not_the_sum_of_its_steps",
        """
        SELECT p.public_id AS payment, p.credited, steps.credits AS steps_credits,
               p.value_micros, steps.value_micros AS steps_value_micros
        FROM billing_payment p
        LEFT JOIN (
            SELECT payment_id, SUM(credits) AS credits, SUM(value_micros) AS value_micros
            FROM billing_paymentstep GROUP BY payment_id
        ) steps ON steps.payment_id = p.id
        WHERE p.credited <> COALESCE(steps.credits, 0) OR p.value_micros <> COALESCE(steps.value_micros, 0)
        """,
    ),
    Rule(
        "payment_is_settled_by_nobody",
        """
        SELECT p.public_id AS payment, p.status, p.problem, s.actor AS settled_by
        FROM billing_payment p
        LEFT JOIN billing_handsettlement s ON s.payment_id = p.id
        WHERE (p.status = 'settled') <> (s.id IS NOT NULL)
        """,
    ),
    Rule(
        # Else it would be looked at, and given back, with the key of another shop.
        "payment_is_not_of_one_shop",
        """
        SELECT p.public_id AS payment, p.shop_id AS shop, o.shop_id AS shop_of_organization,
               a.shop_id AS shop_of_account, p.livemode, a.livemode AS livemode_of_account
        FROM billing_payment p
        JOIN accounts_organization o ON o.id = p.organization_id
        JOIN billing_stripeaccount a ON a.id = p.account_id
        WHERE p.shop_id <> o.shop_id OR p.shop_id <> a.shop_id OR p.livemode <> a.livemode
        """,
    ),
    Rule(
        # What repays a debt is income at once; what a refund cannot find any more is a shortfall: so the wallet
        # gets the share of the value that its credits have, and loses at most what the payment brought.
        "payment_step_is_not_its_entry",
        """
        SELECT s.reference, s.credits, s.value_micros, e.kind, e.available, e.owed,
               e.value_micros AS entry_value_micros
        FROM billing_paymentstep s
        JOIN billing_payment p ON p.id = s.payment_id
        JOIN billing_wallet w ON w.organization_id = p.organization_id
        LEFT JOIN billing_ledgerentry e
               ON e.reference = s.reference AND e.kind = CASE WHEN s.credits > 0 THEN 'top_up' ELSE 'claw_back' END
        WHERE e.id IS NULL OR e.wallet_id <> w.id OR e.available - e.owed <> s.credits
           OR (s.credits > 0 AND (e.value_micros > s.value_micros
                                  OR (e.owed = 0 AND e.value_micros <> s.value_micros)))
           OR (s.credits < 0 AND e.value_micros < s.value_micros)
        """,
    ),
    Rule(
        "payment_entry_has_no_step",
        """
        SELECT e.reference, e.kind, e.available FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'payment:%%'
          AND NOT EXISTS (SELECT 1 FROM billing_paymentstep s WHERE s.reference = e.reference)
        """,
    ),
]
