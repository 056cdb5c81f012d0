"""How templates write times: relative, with the exact one beside it."""

from datetime import UTC, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

register = template.Library()
MINUTE = timedelta(minutes=1)


@register.filter
def when(moment: datetime) -> SafeString:
    """ "3 hours ago", "in 2 days"; the exact time, in UTC, shows itself to who points there."""
    utc = moment.astimezone(UTC)
    shown = utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html('<time datetime="{}" title="{}">{}</time>', utc.isoformat(), shown, _words(moment))


def _words(moment: datetime) -> str:
    now = timezone.now()
    if abs(now - moment) < MINUTE:
        return _("just now")
    if moment < now:
        return _("%(time)s ago") % {"time": timesince(moment, now, depth=1)}
    # What is to last a day has a little less than that by the time that it is read.
    return _("in %(time)s") % {"time": timeuntil(moment + MINUTE, now, depth=1)}
