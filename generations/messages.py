"""What a customer reads of a generation that did not succeed. Clients match on these texts."""

from generations.models import Generation, Status

ERROR_MESSAGES = {
    "upstream_unavailable": "upstream_unavailable: please retry later",
    "content_rejected": "content_rejected: prompt or image was refused",
    "invalid_request": "invalid_request: parameters not accepted",
    "timeout": "timeout: generation took too long",
    "canceled": "canceled",
    "generation_failed": "generation_failed",
}


def error_message(generation: Generation) -> str | None:
    """None unless it failed or was canceled."""
    if generation.status not in (Status.FAILED, Status.CANCELED):
        return None
    return ERROR_MESSAGES.get(generation.error_type, "generation_failed")
