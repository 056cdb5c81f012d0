"""What the ledger says of vouchers and welcome credits must be what their rows say, and the other way round."""

from billing.audit import Mark, Rule

MARKS = [
    Mark("redemptions", newest="SELECT MAX(id) FROM billing_redemption"),
    Mark("welcomes", newest="SELECT MAX(id) FROM billing_welcome"),
]

RULES = [
    Rule(
        "redemption_is_not_what_was_granted",
        """
        SELECT r.id AS redemption, r.organization_id AS organization, r.credits,
               e.available - e.owed AS granted, w.organization_id AS granted_to
        FROM billing_redemption r
        LEFT JOIN billing_ledgerentry e ON e.reference = 'voucher:' || r.id AND e.kind = 'grant'
        LEFT JOIN billing_wallet w ON w.id = e.wallet_id
        WHERE r.id > %(redemptions)s AND (
            e.id IS NULL OR e.available - e.owed <> r.credits OR w.organization_id <> r.organization_id)
        """,
    ),
    Rule(
        "voucher_brought_credits_without_a_redemption",
        """
        SELECT e.reference, e.kind, e.available FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'voucher:%%'
          AND (e.kind <> 'grant' OR e.reference NOT IN (SELECT 'voucher:' || r.id FROM billing_redemption r))
        """,
    ),
    Rule(
        "voucher_was_redeemed_in_another_shop",
        """
        SELECT r.id AS redemption, v.shop_id AS shop, o.shop_id AS shop_of_organization
        FROM billing_redemption r
        JOIN billing_voucher v ON v.id = r.voucher_id
        JOIN accounts_organization o ON o.id = r.organization_id
        WHERE r.id > %(redemptions)s AND v.shop_id <> o.shop_id
        """,
    ),
    Rule(
        "voucher_is_not_redeemed_as_often_as_it_says",
        """
        SELECT v.code AS voucher, v.redeemed, COALESCE(r.redemptions, 0) AS redemptions
        FROM billing_voucher v
        LEFT JOIN (SELECT voucher_id, COUNT(*) AS redemptions FROM billing_redemption GROUP BY voucher_id) r
               ON r.voucher_id = v.id
        WHERE v.redeemed <> COALESCE(r.redemptions, 0)
        """,
    ),
    Rule(
        "welcome_is_not_what_was_granted",
        """
        SELECT g.reference, g.organization_id AS organization, g.credits,
               e.available - e.owed AS granted, w.organization_id AS granted_to
        FROM billing_welcome g
        LEFT JOIN billing_ledgerentry e ON e.reference = g.reference AND e.kind = 'grant'
        LEFT JOIN billing_wallet w ON w.id = e.wallet_id
        WHERE g.id > %(welcomes)s AND (
            e.id IS NULL OR e.available - e.owed <> g.credits OR w.organization_id <> g.organization_id)
        """,
    ),
    Rule(
        "somebody_was_welcomed_without_a_row",
        """
        SELECT e.reference, e.kind, e.available FROM billing_ledgerentry e
        WHERE e.id > %(entries)s AND e.reference LIKE 'welcome:%%'
          AND (e.kind <> 'grant'
               OR NOT EXISTS (SELECT 1 FROM billing_welcome g WHERE g.reference = e.reference))
        """,
    ),
]
