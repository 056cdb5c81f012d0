from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and organizations"

    def ready(self) -> None:
        from accounts import append_only, checks  # noqa: F401 - checks register themselves
        from accounts.signing import receivers
        from accounts.triggers import AUDIT_EVENTS

        append_only.keep(AUDIT_EVENTS, self)
        receivers.connect()
