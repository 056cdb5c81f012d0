"""What every fault test begins and ends with: a customer, and books that are right."""

import datetime

from django.db.models import F

from accounts.api_keys import create_api_key
from accounts.models import Organization
from billing import audit
from billing.models import SETTLEMENTS, LedgerEntry
from generations.models import OPEN, Generation, Status
from tests.makers import an_organization
from tests.waiting import wait_until

CREDITS = 1_000_000


def a_customer() -> tuple[Organization, str]:
    """An organization with CREDITS, and its live key that no rate stops."""
    organization = an_organization(CREDITS)
    _, secret = create_api_key(organization, livemode=True, rate_per_minute=1_000_000, burst=100_000)
    return organization, secret


def open_orders() -> int:
    return Generation.objects.filter(status__in=OPEN).count()


def give_time(organization: Organization) -> None:
    """Ten minutes more for its orders, as they have by default: the soak's deadline is shorter than some pauses."""
    later = F("deadline_at") + datetime.timedelta(minutes=10)
    Generation.objects.filter(organization=organization).update(deadline_at=later)


def wait_until_all_have_ended(timeout_s: float = 60) -> None:
    wait_until(lambda: not open_orders(), "every order to end", timeout_s=timeout_s)


def task(task_id: str) -> Generation:
    return Generation.objects.get(task_id=task_id)


def assert_books_are_right() -> None:
    """Whatever has ended is settled by exactly one entry, of the kind that its end asks for; and the audit."""
    settled: dict[str, list[str]] = {}
    for reference, kind in LedgerEntry.objects.filter(kind__in=SETTLEMENTS).values_list("reference", "kind"):
        settled.setdefault(reference, []).append(kind)
    ended = Generation.objects.filter(livemode=True).exclude(status__in=OPEN)
    due = {Status.SUCCEEDED: ["capture"]}
    wrong = [
        (row.task_id, row.status, settled.get(row.reference))
        for row in ended
        if settled.get(row.reference) != due.get(Status(row.status), ["release"])
    ]
    assert wrong == []
    assert audit.check_snapshot() == []
