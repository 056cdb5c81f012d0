"""The audit log is append-only, kept by the database."""

from accounts.append_only import AppendOnlyTable

AUDIT_EVENTS = AppendOnlyTable("accounts_auditevent", "audit events are never changed or deleted")
