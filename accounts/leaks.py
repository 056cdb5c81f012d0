"""Keys that somebody found where everybody can read them: they stop at once, and their people are told."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from accounts import hooks, keys
from accounts.api_keys import LEAKED, freeze_api_key
from accounts.audit import record
from accounts.clock import read_db_now
from accounts.mail import outbox
from accounts.mail.sending import one_line
from accounts.models import ApiKey, AuditAction, Membership
from accounts.roles import Right, roles_with

AT_ONCE = 500
MAX_PLACE = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """`text`: what looks like a key. It is never logged or stored. `place`: where it was found, for people."""

    text: str
    place: str = ""


def report(findings: Iterable[Finding], *, source: str) -> list[ApiKey | None]:
    """For each its key, frozen by now unless it was revoked before; None for what was never one of ours.

    `source`: a machine word, who says so.
    """
    listed = list(findings)
    parsed = [keys.parse(finding.text) for finding in listed]
    known = _known([one.digest for one in parsed if one is not None])
    reported = [known.get(one.digest) if one is not None else None for one in parsed]
    for finding, key in zip(listed, reported, strict=True):
        if key is not None:
            _freeze(key, one_line(finding.place)[:MAX_PLACE], source)
    return reported


def _known(digests: list[str]) -> dict[str, ApiKey]:
    found: dict[str, ApiKey] = {}
    for start in range(0, len(digests), AT_ONCE):
        rows = ApiKey.objects.filter(digest__in=digests[start : start + AT_ONCE])
        found |= {row.digest: row for row in rows.select_related("organization__shop", "replaced_by")}
    return found


@transaction.atomic
def _freeze(key: ApiKey, place: str, source: str) -> None:
    """Once, however often it is reported."""
    if not freeze_api_key(key, LEAKED):
        return
    # A place may name a person, so it stands in the note, which can be erased.
    record(
        key.organization,
        AuditAction.KEY_FROZEN,
        actor="system",
        subject=key.actor,
        note=place,
        reason=LEAKED,
        source=source,
    )
    has_expired = key.expires_at is not None and key.expires_at <= read_db_now()
    members = Membership.objects.filter(
        organization=key.organization, role__in=roles_with(Right.KEYS), user__is_active=True
    )
    for member in members.select_related("user"):
        context = {
            "organization": key.organization,
            "key": key,
            "place": place,
            "has_expired": has_expired,
        }
        outbox.queue_template(key.organization.shop, member.user, "key_leaked", context)
    for hook in hooks.key_leaked:
        hook(key, source)
