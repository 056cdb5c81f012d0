from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People and organizations")

    def ready(self) -> None:
        from accounts import append_only, checks  # noqa: F401 - checks register themselves
        from accounts.signing import receivers
        from accounts.triggers import AUDIT_EVENTS

        append_only.keep(AUDIT_EVENTS, self)
        receivers.connect()
