"""For pages with passkeys."""

import json

from django import template

register = template.Library()


@register.filter
def as_json(value: object) -> str:
    """For an attribute, which the template escapes: the policy for browsers lets no data stand in scripts of a page."""
    return json.dumps(value)
