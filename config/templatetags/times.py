"""How templates write times: relative, with the exact one beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import npgettext_lazy

from accounts import figures

register = template.Library()
register.filter("moment", figures.moment)
MINUTE = timedelta(minutes=1)
# Within "… ago" and "in …", where some languages bend the words ("vor 3 Tagen").
UNITS: dict[str, Any] = {
    "year": npgettext_lazy("ago or ahead", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("ago or ahead", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("ago or ahead", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("ago or ahead", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("ago or ahead", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("ago or ahead", "%(num)d minute", "%(num)d minutes", "num"),
}


@register.filter
def when(moment: datetime) -> SafeString:
    """ "3 hours ago", "in 2 days"; the exact time, in UTC, shows itself to who points there."""
    utc, shown = moment.astimezone(UTC).isoformat(), f"{figures.moment(moment)} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', utc, shown, _words(moment))


def _words(moment: datetime) -> str:
    now = timezone.now()
    if abs(now - moment) < MINUTE:
        return _("just now")
    if moment < now:
        return _("%(time)s ago") % {"time": timesince(moment, now, time_strings=UNITS, depth=1)}
    # What is to last a day has a little less than that by the time that it is read.
    return _("in %(time)s") % {"time": timeuntil(moment + MINUTE, now, time_strings=UNITS, depth=1)}
