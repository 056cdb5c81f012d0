"""What is or was wrong, to look at."""

from django.contrib import admin

from accounts.desk import ReadOnlyAdmin
from generations.models import Alarm


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    shop_path = "shop"
    time_field = "began_at"
    list_display = ("subject", "began_at", "ended_at", "told_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    fields = ("subject", "advice", ("began_at", "ended_at", "told_at"), "condition")
    ordering = ("-pk",)
