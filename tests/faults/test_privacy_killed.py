"""kill -9 of whoever makes an export or closes an organization: the next one does it, and nothing is left half done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import DataExport, ExportState, Organization
from accounts.privacy import closing, exports
from billing import audit
from generations.models import Generation, Image
from tests.accounts.privacy.steps import an_image_of, fetched, open_archive
from tests.cast import Person, access_of_user
from tests.faults.killing import kill_in_the_middle
from tests.makers import ago, wallet_of

# Each says when it is in the middle, and then takes longer than anybody waits.
BEGIN = """
import time, django
django.setup()
from accounts import hooks
from accounts.privacy import archive, closing, exports

def stop_here(organization):
    print("in the middle", flush=True)
    time.sleep(600)
    yield
"""
EXPORTS = f"{BEGIN}\narchive.PART_BYTES = 1000\nhooks.export_sections.append(stop_here)\nexports.make_due()"
CLOSES = f"{BEGIN}\nhooks.organization_blanked.insert(1, stop_here)\nclosing.close_due()"


@pytest.fixture
def _empty_storage() -> Iterator[None]:
    assert parts() == []
    yield
    for part in parts():
        part.unlink()


def parts() -> list[Path]:
    return [path for path in Path(settings.DATA_DIR, "images", "exports").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("_empty_storage")
def test_an_export_is_made_by_the_next(committed_db: None, alice: Person) -> None:
    an_image_of(alice)
    export = exports.ask(access_of_user(alice.user))
    kill_in_the_middle(EXPORTS)
    export.refresh_from_db()
    assert (export.state, export.tries) == (ExportState.WAITING, 1)
    assert len(parts()) > 0
    DataExport.objects.update(due_at=ago(1))
    assert exports.make_due() == 1
    export.refresh_from_db()
    assert len(parts()) == export.part_count
    assert "generations.json" in open_archive(fetched(alice, export)).namelist()


def test_an_organization_is_closed_by_the_next(committed_db: None, alice: Person) -> None:
    an_image_of(alice)
    assert closing.ask(access_of_user(alice.user))
    Organization.objects.filter(pk=alice.organization.pk).update(closing_at=ago(15 * 86_400))
    kill_in_the_middle(CLOSES)
    half = Organization.objects.get(pk=alice.organization.pk)
    assert (half.closed_at, half.memberships.count()) == (None, 0)
    assert wallet_of(half)[0] > 0
    assert closing.close_due() == 1
    assert Image.objects.filter(deleted_at=None).count() == 0
    assert Generation.objects.get().prompt == ""
    assert wallet_of(half) == (0, 0, 0, 0)
    assert audit.check_snapshot() == []
