from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        from accounts import hooks
        from webhooks import keeping, news

        hooks.key_leaked.append(news.key_compromised)
        hooks.organization_blanked.append(keeping.forget)
        hooks.export_sections.append(keeping.sections)
