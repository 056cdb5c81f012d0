"""The way back from a member's place."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import standing_in
from accounts.errors import NotFound


@require_POST
@never_cache
def end(request: HttpRequest) -> HttpResponse:
    """Back to the desk, as oneself. Raises NotFound for everybody else."""
    if not standing_in.is_begun(request):
        raise NotFound
    row = standing_in.end(request)
    if row is None:
        return redirect("admin:index")
    return redirect("admin:accounts_organization_change", row.organization_id)
