from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db import connections
from django.db.models.signals import pre_migrate


class ConfigConfig(AppConfig):
    name = "config"
    default = True

    def ready(self) -> None:
        # Of whatever app: Django sends nothing for one without models.
        pre_migrate.connect(take_all_the_time_it_needs, dispatch_uid="config.migrations")


class OperatorsConfig(admin_apps.AdminConfig):
    default = False  # this module's is the one above
    default_site = "config.operators.OperatorSite"

    def ready(self) -> None:
        super().ready()  # finds what is registered, also by libraries
        from django.contrib import admin
        from django.contrib.auth.models import Group

        admin.site.unregister(Group)


def take_all_the_time_it_needs(using: str, **_: Any) -> None:
    """An index over millions of rows takes minutes. How long to wait for a lock stays bounded: others queue behind."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
