"""Who may open the pages of webhooks."""

from accounts.errors import OrganizationSuspended, Unavailable
from accounts.pages import right_page
from accounts.roles import Right
from webhooks import service

# What a page says on top of itself.
REFUSALS = (
    OrganizationSuspended,
    Unavailable,
    service.EndpointDeleted,
    service.EndpointDisabled,
    service.TooManyEndpoints,
)


webhooks_manager = right_page(Right.WEBHOOKS)  # a member page for those who set up webhooks
