"""What `manage.py doctor` looks at: small checks, each of which says what it found and how it is mended.

No text here holds a secret, nor what a library said that may repeat an address with its password.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from config.doctor import (
    broker,
    database,
    files,
    mail,
    people,
    public_address,
    settings_check,
    shops,
    stripe_account,
    upstreams,
    workers,
)
from config.doctor.findings import Finding, error, warning


@dataclass(frozen=True, slots=True)
class Check:
    """`asks_rows`: is of no use while the database is away or has no tables."""

    name: str
    run: Callable[[], Iterator[Finding]]
    asks_rows: bool = False


DATABASE = Check("database", database.look)
CHECKS = (
    Check("settings", settings_check.look),
    Check("public address", public_address.look),
    DATABASE,
    Check("broker", broker.look),
    Check("workers", workers.look, asks_rows=True),
    Check("storage", files.look_at_storage),
    Check("secrets", files.look_at_secrets),
    Check("mail", mail.look),
    Check("Stripe", stripe_account.look, asks_rows=True),
    Check("upstreams", upstreams.look, asks_rows=True),
    Check("people", people.look, asks_rows=True),
    Check("shops", shops.look, asks_rows=True),
)


def examine(mail_to: str = "") -> Iterator[Finding]:
    """All of them, in order; one that breaks stops no other. `mail_to`: one mail is sent there."""
    has_tables = True
    for check in CHECKS:
        if check.asks_rows and not has_tables:
            yield warning("not looked at: it needs the database.").of(check.name)
            continue
        found = [finding.of(check.name) for finding in _guarded(check.run)]
        if check is DATABASE:
            has_tables = not any(finding.level == "error" for finding in found)
        yield from found
    if mail_to:
        for finding in _guarded(lambda: mail.send_one(mail_to)):
            yield finding.of("mail")


def _guarded(run: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from run()
    except Exception as broken:  # noqa: BLE001 - what nobody thought of is a finding as well
        yield error(f"the check itself failed: {type(broken).__name__}.", "This is a bug: please report it.")
