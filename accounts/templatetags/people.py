"""Who is looking, for the frame around every page of a member."""

from typing import Any

from django import template

from accounts.access import organizations_of
from accounts.models import Organization, User
from accounts.names import isolated
from accounts.shops import shop_id_of

register = template.Library()
register.filter("isolated", isolated)


@register.simple_tag(takes_context=True)
def organizations(context: Any, user: User) -> list[Organization]:
    """Those that they may choose among."""
    return organizations_of(user, shop_id_of(context["request"]))
