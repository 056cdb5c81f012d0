from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and organizations"

    def ready(self) -> None:
        from accounts.signing import receivers
        from accounts.triggers import AUDIT_EVENTS

        receivers.connect()

        post_migrate.connect(
            AUDIT_EVENTS.install_after_migrate, sender=self, dispatch_uid="accounts.triggers"
        )
