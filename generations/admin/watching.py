"""What is or was wrong, and who makes images on own GPUs, to look at."""

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clock import db_now
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import DeskChangeList
from accounts.desk.rows import PLATFORM
from generations.gpu_workers import AWAY_S
from generations.models import Alarm, GpuWorker


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    shop_path = "shop"
    time_field = "began_at"
    list_display = ("subject", "began_at", "ended_at", "told_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    fields = ("subject", "advice", ("began_at", "ended_at", "told_at"), "condition")
    ordering = ("-pk",)


@admin.register(GpuWorker)
class GpuWorkerAdmin(ReadOnlyAdmin):
    """A row for each process that lives or lately did: a plain list, since these have names in place of numbers."""

    shop_path = PLATFORM
    time_field = "seen_at"
    list_display = ("name", "device", "state_shown", "pace_shown", "images", "seen_at")
    list_filter_sheet = False
    fields = (
        "name",
        "device",
        "state_shown",
        "problem",
        ("pace_shown", "images"),
        ("started_at", "seen_at"),
    )
    readonly_fields = ("state_shown", "pace_shown")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[GpuWorker]:
        """With `read_at`: when that was, by the database's clock, which need not be asked for each row again."""
        rows: QuerySet[GpuWorker] = super().get_queryset(request)
        return rows.annotate(read_at=db_now())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return DeskChangeList

    @admin.display(description=gettext_lazy("state"))
    def state_shown(self, worker: Any) -> str:
        if worker.seen_at < worker.read_at - datetime.timedelta(seconds=AWAY_S):
            return _("says nothing any more")
        if worker.ready:
            return _("takes orders")
        return _("stands still") if worker.problem else _("is still loading")

    @admin.display(description=gettext_lazy("seconds for a megapixel"))
    def pace_shown(self, worker: GpuWorker) -> str:
        pace = worker.seconds_per_megapixel
        return "-" if pace is None else f"{pace:.2f}"
