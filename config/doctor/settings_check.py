"""Settings that boot, and are still not meant for customers. Bad values never get this far: they stop every command."""

from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from config.doctor.findings import Finding, error, ok, warning


def look() -> Iterator[Finding]:
    found = False
    for message in checks.run_checks(include_deployment_checks=not settings.DEMO):
        # `check --deploy` speaks of DEBUG as well; below it is said in our own words.
        if message.level >= checks.WARNING and not message.is_silenced() and message.id != "security.W018":
            found = True
            report = error if message.level >= checks.ERROR else warning
            yield report(f"{message.id}: {_one_line(message.msg)}", _one_line(message.hint or ""))
    if settings.DEBUG:
        found = True
        yield error("DEBUG is on: every error shows settings and code.", "Leave DEBUG out.")
    if settings.DATABASE_URL and not settings.REDIS_URL:
        found = True
        yield warning(
            "PostgreSQL without Redis: workers on other machines hear no rings, limits are counted in one process.",
            "Set REDIS_URL.",
        )
    if not settings.DEMO and not settings.OPERATOR_EMAILS:
        found = True
        yield warning("nobody is told when something stands still.", "Set OPERATOR_EMAILS.")
    if not found:
        size = "a demo" if settings.DEMO else "not a demo"
        yield ok(f"all are fine; this is {size}.")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
