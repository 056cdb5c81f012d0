"""Revokes a key, with effect from the next request on."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts import keys
from accounts.api_keys import revoke_api_key
from accounts.audit import record
from accounts.management.base import OperatorCommand
from accounts.models import ApiKey, AuditAction


class Command(OperatorCommand):
    help = "Revoke the key with this prefix (its first 12 characters, or all of it); print its prefix."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", metavar="PREFIX")

    def work(self, **options: Any) -> None:
        parsed = keys.parse(options["prefix"])
        if parsed is not None:
            found = list(ApiKey.objects.filter(digest=parsed.digest))
        else:
            found = list(ApiKey.objects.filter(prefix=options["prefix"]))
        if not found:
            self.refuse(
                f"There is no key {options['prefix']!r}; a prefix has {keys.SHOWN_LENGTH} characters."
            )
        if len(found) > 1:
            self.refuse(f"{len(found)} keys start with {options['prefix']!r}: give the whole key.")
        with transaction.atomic():
            is_new = revoke_api_key(found[0])
            if is_new:
                record(found[0].organization, AuditAction.KEY_REVOKED, actor="system", subject=found[0].actor)
        if not is_new:
            self.refuse(f"{found[0].prefix} was revoked before.")
        self.stdout.write(found[0].prefix)
