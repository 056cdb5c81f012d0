"""What `manage.py doctor` finds, and what this process runs with, for operators at the desk."""

from typing import Any

from django.conf import settings
from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from config import doctor
from config.doctor.findings import Finding

# Not one of them holds a secret, or an address with a password in it.
SHOWN = (
    "PUBLIC_URL",
    "OTHER_HOSTS",
    "UNKNOWN_HOSTS",
    "DATA_DIR",
    "DEMO",
    "DEBUG",
    "TRUSTED_PROXIES",
    "LOG_LEVEL",
    "STAFF_SECOND_FACTOR",
    "SIGN_UP",
    "OPERATOR_EMAILS",
    "DEFAULT_FROM_EMAIL",
    "WEB_PROCESSES",
    "WEB_THREADS",
    "WORKER_PROCESSES",
    "WORKER_CONCURRENCY",
    "MAX_OPEN_TASKS",
    "RATE_LIMIT_PER_MINUTE",
    "RATE_LIMIT_BURST",
    "DEADLINE_S",
    "CALL_TOTAL_S",
    "LEASE_S",
    "MAX_CLAIMS",
    "SWEEP_S",
    "RETENTION_DAYS",
    "PROMPT_RETENTION_DAYS",
    "AUDIT_ORIGIN_DAYS",
    "WEBHOOK_LOG_DAYS",
    "REFUSALS_BEFORE_PAUSE",
    "MAX_PAID_CANCELS",
    "TILL",
    "STRIPE_LIVEMODE",
    "STRIPE_TAX",
    "AUTOMATIC_PER_DAY",
    "WELCOME_CREDITS",
    "S3_BUCKET",
)


def health_view(request: HttpRequest) -> HttpResponse:
    """GET shows the settings; POST examines, which may take some seconds and asks Stripe and the upstreams."""
    found: list[Finding] | None = None
    if request.method == "POST":
        found = list(doctor.examine())
    context = {
        **site.each_context(request),
        "title": _("Health and settings"),
        "found": found,
        "settings": [(name, _word(getattr(settings, name))) for name in SHOWN if hasattr(settings, name)],
    }
    return TemplateResponse(request, "admin/health.html", context)


def _word(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return ", ".join(map(str, value)) or "–" if isinstance(value, (list, tuple, frozenset)) else str(value)
