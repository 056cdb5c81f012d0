"""Ledger entries are append-only, kept by the database."""

from accounts.append_only import AppendOnlyTable

ENTRIES = AppendOnlyTable(
    "billing_ledgerentry",
    "ledger entries are never changed or deleted",
    in_the_way=(
        "id = NEW.id OR (reference = NEW.reference AND (kind = NEW.kind "
        "OR (kind IN ('capture', 'release') AND NEW.kind IN ('capture', 'release'))))"
    ),
)
