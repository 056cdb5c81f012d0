"""Who is looking, for the frame around every page of a member."""

from django import template

from accounts.access import organizations_of
from accounts.models import Organization, User
from accounts.names import isolated

register = template.Library()
register.filter("isolated", isolated)


@register.simple_tag
def organizations(user: User) -> list[Organization]:
    """Those that they may choose among."""
    return organizations_of(user)
