from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.db import connections
from django.db.models.signals import pre_migrate


class DeskConfig(admin.SimpleAdminConfig):
    """Django's admin as the operator's desk. What is on it is found by config/urls.py: only processes that serve pages
    need it, and it takes 20 MB.
    """

    default = False
    default_site = "config.desk.DeskSite"


class ConfigConfig(AppConfig):
    default = True
    name = "config"

    def ready(self) -> None:
        from django.conf import settings

        from config import (
            celery,  # noqa: F401 - tasks are rung for through this app
            columns,
        )

        columns.name_them()

        # Extras, which are not installed everywhere.
        if settings.SENTRY_DSN:
            from config.watching import sentry

            sentry.start()
        if settings.OTLP_ENDPOINT:
            from config.watching import tracing

            tracing.start()

        # Of whatever app: Django sends nothing for one without models.
        pre_migrate.connect(take_all_the_time_it_needs, dispatch_uid="config.migrations")


def take_all_the_time_it_needs(using: str, **_: Any) -> None:
    """An index over millions of rows takes minutes. How long to wait for a lock stays bounded: others queue behind."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
