"""Times as version 1 of the API writes them."""

import datetime


def time_text(value: datetime.datetime | None) -> str | None:
    """ISO 8601 in UTC, whole seconds."""
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
