"""Seals every credential anew, with the newest of CREDENTIALS_KEY."""

from typing import Any

from django.db import transaction

from accounts import sealing
from accounts.management.base import OperatorCommand
from generations.models import Upstream

COLUMNS = ("sealed_credential", "sealed_webhook_secret")


class Command(OperatorCommand):
    help = "Seal all credentials with the newest of CREDENTIALS_KEY; the older keys can go afterwards. Prints how many."

    def work(self, **options: Any) -> None:
        unreadable: list[str] = []
        count = 0
        with transaction.atomic():
            for upstream in Upstream.objects.select_for_update(of=("self",)).order_by("pk"):
                for column in COLUMNS:
                    sealed: str = getattr(upstream, column)
                    try:
                        setattr(upstream, column, sealing.reseal(sealed))
                        count += bool(sealed)
                    except sealing.Unreadable:
                        unreadable.append(
                            f"{upstream.name}: {column.removeprefix('sealed_').replace('_', ' ')}"
                        )
                Upstream.objects.filter(pk=upstream.pk).update(
                    **{column: getattr(upstream, column) for column in COLUMNS}
                )
            if unreadable:
                transaction.set_rollback(True)
        if unreadable:
            listed = ", ".join(unreadable)
            self.refuse(
                f"Sealed with none of the keys in CREDENTIALS_KEY: {listed}. Add the old key, or enter them anew."
            )
        self.stdout.write(f"{count} sealed anew")
