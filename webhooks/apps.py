from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        from accounts import hooks
        from webhooks import keeping, news

        hooks.key_leaked.append(news.key_compromised)
        hooks.organization_blanked.append(keeping.forget)
        hooks.export_sections.append(keeping.sections)
