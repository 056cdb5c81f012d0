"""How texts of the docs become markup."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
_TICKS = re.compile(r"`([^`]+)`")


@register.filter
def ticks(text: object) -> SafeString:
    """Escapes, then makes code of what stands between backticks."""
    return mark_safe(_TICKS.sub(r"<code>\1</code>", escape(str(text))))  # noqa: S308 - escaped right here
