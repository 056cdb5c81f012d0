"""Of what customers can hear. Words may be added, never changed."""

from django.utils.translation import gettext_lazy as _

GENERATION_SUCCEEDED = "generation.succeeded"
GENERATION_FAILED = "generation.failed"
GENERATION_CANCELED = "generation.canceled"
CREDITS_LOW = "credits.low"
CREDITS_ADDED = "credits.added"
KEY_COMPROMISED = "key.compromised"
# Sent to one endpoint when somebody asks for it; nobody subscribes to it.
TEST = "webhook.test"

EVENT_TYPES = {
    GENERATION_SUCCEEDED: _("images are ready"),
    GENERATION_FAILED: _("an order failed; nothing was charged"),
    GENERATION_CANCELED: _("an order was canceled"),
    CREDITS_LOW: _("the balance fell below what you set on the page of credits"),
    CREDITS_ADDED: _("credits were bought or given"),
    KEY_COMPROMISED: _("an API key was found in public and frozen"),
}
