from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class GenerationsConfig(AppConfig):
    name = "generations"
    verbose_name = _("Generations")

    def ready(self) -> None:
        from accounts import hooks
        from billing import audit
        from generations import (
            audit_rules,
            catalogue,
            closing,
            content,
            export_rows,
            remedy_rules,
            shops,
            webhook_events,
        )
        from webhooks.hooks import renderers

        hooks.shop_opened.append(catalogue.stock)
        hooks.shop_lacks.append(catalogue.lacks)
        hooks.shop_sections.append(shops.sections)
        hooks.shop_closed.append(shops.forget)
        hooks.currency_is_used.append(shops.has_money)
        hooks.closing_losses.append(closing.losses)
        hooks.organization_closing.append(closing.end_orders)
        hooks.organization_blanked.append(closing.forget_orders)
        hooks.export_sections.append(export_rows.sections)
        renderers["generation"] = webhook_events.generation_event_data
        audit.known_causes.append("generation")
        audit.rules.extend([*audit_rules.RULES, *remedy_rules.RULES])
        audit.marks.extend(audit_rules.MARKS)
        audit.groupings.extend([audit_rules.KEYS, remedy_rules.SHARES])
        if settings.CONTENT_CLASSIFIER:
            content.classifiers.append(_classifier(settings.CONTENT_CLASSIFIER))
        if settings.IMAGE_CLASSIFIER:
            found = _classifier(settings.IMAGE_CLASSIFIER, "IMAGE_CLASSIFIER")
            content.image_classifiers.append(found)


def _classifier(path: str, name: str = "CONTENT_CLASSIFIER") -> Any:
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"{name}={path}: {error}.") from error
    if not callable(found):
        raise ImproperlyConfigured(f"{name}={path}: is not a function.")
    return found
