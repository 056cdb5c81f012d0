"""Encrypts all credentials of upstreams and of shops at Stripe, secrets of webhooks and second factors of people anew
under the newest key.
"""

from typing import Any

from django.db import transaction

from accounts import hooks, sealing
from accounts.management.base import OperatorCommand
from accounts.signing import second_factor
from generations.models import Upstream
from webhooks import secrets as webhook_secrets

SEALED = ("sealed_credential", "sealed_webhook_secret")


class Command(OperatorCommand):
    help = "Encrypt all stored credentials under the first key of CREDENTIALS_KEY; print how many."

    def work(self, **options: Any) -> None:
        with transaction.atomic():
            rows = list(Upstream.objects.select_for_update().order_by("pk"))
            lost = [
                row.name
                for row in rows
                if not all(sealing.is_readable(getattr(row, name)) for name in SEALED)
            ]
            count, lost_factors = second_factor.reseal()
            resealed, lost_hooks = webhook_secrets.reseal()
            count += resealed
            lost += [*lost_factors, *lost_hooks]
            for hook in hooks.resealed:
                resealed, lost_rows = hook()
                count += resealed
                lost += lost_rows
            if lost:
                self.refuse(
                    f"No key of CREDENTIALS_KEY opens the credentials of: {', '.join(lost)}. Nothing was changed."
                    " Add the key that they were sealed with, behind a comma, or enter them again in the admin."
                )
            for row in rows:
                changes = {name: sealing.reseal(getattr(row, name)) for name in SEALED if getattr(row, name)}
                count += len(changes)
                if changes:
                    Upstream.objects.filter(pk=row.pk).update(**changes)
        self.stdout.write(str(count))
