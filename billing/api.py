"""Version 1 of the API, the ledger: every entry as it was booked."""

import hashlib
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import access_of
from accounts.api_v1 import LIST_PARAMETERS, V1View, limit_in, list_of, moment, position_in
from accounts.documented import PAGE, TIMES, Parameter, documented, listing
from accounts.errors import InvalidField
from accounts.newest_first import Wanted
from accounts.shapes import component, record, text, whole, word
from accounts.shapes import moment as moment_shape
from accounts.times import time_text
from billing import reads
from billing.models import EntryKind, LedgerEntry

LISTED = "ledger"
ENTRY = component(
    "Entry",
    record(
        {
            "id": text(example="le_9f86d081884c7d659a2feaa0c5"),
            "kind": word(EntryKind.values, example="capture"),
            "available": whole("Change in credits.", example=0),
            "held": whole("Change in credits.", example=-15),
            "owed": whole("Change in credits.", example=0),
            "reference": text("What it was for.", example="generation:task_01M8JZTCA1G9NJSDMB51MNN78B"),
            "created_at": moment_shape(),
        }
    ),
)
FILTERS = (Parameter("kind", "query", word(EntryKind.values), "Those of this kind alone."), *TIMES, *PAGE)


class LedgerView(V1View):
    parameters = LIST_PARAMETERS | {"kind", "created_after", "created_before"}

    @documented(
        "read_ledger",
        "Read the ledger",
        tag="Shop and money",
        description="Newest first; empty for test keys.",
        parameters=FILTERS,
        answer=listing(ENTRY),
    )
    def get(self, request: Request) -> Response:
        """Newest first. With a filter a page may hold fewer than `limit`, even none, while more pages follow.

        Empty for test keys: what they do makes no entries, and entries name the tasks of live keys.
        """
        access = access_of(request)
        limit, position, wanted = limit_in(request), position_in(request, LISTED), _wanted(request)
        if not access.livemode:
            return Response(list_of(access, LISTED, [], None))
        page = reads.entries(access.organization.pk, limit=limit, position=position, wanted=wanted)
        return Response(list_of(access, LISTED, [entry_data(entry) for entry in page.rows], page.position))


def entry_data(entry: LedgerEntry) -> dict[str, Any]:
    """Signed changes in credits. Its id is made of what makes it unique, and tells nobody how many there are."""
    digest = hashlib.sha256(f"{entry.reference}\n{entry.kind}".encode()).hexdigest()
    return {
        "id": f"le_{digest[:26]}",
        "kind": entry.kind,
        "available": entry.available,
        "held": entry.held,
        "owed": entry.owed,
        "reference": entry.reference,
        "created_at": time_text(entry.created_at),
    }


def _wanted(request: Request) -> Wanted:
    condition, kind = Q(), request.GET.get("kind")
    if kind is not None:
        if kind not in EntryKind.values:
            known = ", ".join(EntryKind.values)
            raise InvalidField(_("kind is one of %(known)s") % {"known": known}, param="kind")
        condition = Q(kind=kind)
    return Wanted(
        condition,
        since=moment(request.GET.get("created_after"), "created_after"),
        until=moment(request.GET.get("created_before"), "created_before"),
    )
