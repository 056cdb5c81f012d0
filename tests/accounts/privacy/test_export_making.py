"""Exports survive whoever makes them, lie around for a week, and no longer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts import hooks
from accounts.models import DataExport, ExportState, Membership, Organization
from accounts.privacy import archive, exports
from tests.accounts.privacy.steps import access_of, an_image_of, fetched, mails, open_archive
from tests.cast import Person
from tests.generations.kept_images import files
from tests.makers import ago

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Nothing in the product catches this."""


def parts_in(folder: Path) -> int:
    return files(folder / "exports")


def make_due_again() -> None:
    DataExport.objects.filter(state=ExportState.WAITING).update(due_at=ago(1))


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What happens, once each, when most of an archive is written."""
    stumbles: list[Any] = []

    def section(organization: Organization) -> Iterator[Any]:
        if stumbles:
            stumbles.pop(0)()
        yield from ()

    monkeypatch.setattr(hooks, "export_sections", [*hooks.export_sections, section])
    monkeypatch.setattr(archive, "PART_BYTES", 1000)
    return stumbles


def killed() -> None:
    raise Killed


def test_one_whose_maker_dies_is_made_by_the_next(alice: Person, folder: Path, stumbling: list[Any]) -> None:
    an_image_of(alice)
    stumbling.append(killed)
    export = exports.ask(access_of(alice))
    with pytest.raises(Killed):
        exports.make_due()
    left = parts_in(folder)
    assert left > 0
    assert exports.make_due() == 0, "It is still held"
    make_due_again()
    assert exports.make_due() == 1
    export.refresh_from_db()
    assert (export.state, export.tries) == (ExportState.READY, 2)
    assert parts_in(folder) == export.part_count, "What the first left is gone"
    open_archive(fetched(alice, export))


def test_who_was_given_up_for_dead_writes_nothing_any_more(
    alice: Person, folder: Path, stumbling: list[Any]
) -> None:
    """It hangs for so long that another makes it, and then goes on."""
    an_image_of(alice)

    def overtaken() -> None:
        make_due_again()
        assert exports.make_due() == 1

    stumbling.append(overtaken)
    export = exports.ask(access_of(alice))
    assert exports.make_due() == 0
    export.refresh_from_db()
    assert export.state == ExportState.READY
    assert parts_in(folder) == export.part_count
    open_archive(fetched(alice, export))
    assert len(mails()) == 1


def test_it_is_given_up_after_some_tries(
    alice: Person, folder: Path, stumbling: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    stumbling.extend([broken] * 10)
    export = exports.ask(access_of(alice))
    for _ in range(exports.MAX_TRIES + 1):
        assert exports.make_due() == 0
        make_due_again()
    export.refresh_from_db()
    assert (export.state, export.folder) == (ExportState.FAILED, "")
    assert parts_in(folder) == 0
    assert mails() == [("alice@studio.example", "export_failed")]
    assert "was given up" in caplog.text
    exports.ask(access_of(alice))  # there is room for another


def test_a_storage_that_is_full_costs_a_try(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "exports").write_text("in the way")
    export = exports.ask(access_of(alice))
    assert exports.make_due() == 0
    (folder / "exports").unlink()
    make_due_again()
    assert exports.make_due() == 1
    export.refresh_from_db()
    assert export.state == ExportState.READY


def test_whoever_asked_is_told_unless_they_may_not_fetch_it_any_more(alice: Person, charlie: Person) -> None:
    exports.ask(access_of(alice))
    exports.ask(access_of(charlie))
    Membership.objects.filter(user=charlie.user).update(role="viewer")
    assert exports.make_due() == 2
    assert mails() == [("alice@studio.example", "export_ready")]


def test_it_is_deleted_after_a_week(alice: Person, folder: Path) -> None:
    export = exports.ask(access_of(alice))
    exports.make_due()
    assert exports.expire() == 0
    DataExport.objects.update(expires_at=ago(1))
    assert exports.expire() == 1
    export.refresh_from_db()
    assert (export.state, export.folder) == (ExportState.GONE, "")
    assert parts_in(folder) == 0
    assert exports.expire() == 0


def test_a_crash_between_files_and_row_is_made_up_for(alice: Person, folder: Path) -> None:
    export = exports.ask(access_of(alice))
    exports.make_due()
    export.refresh_from_db()
    archive.remove(export.folder)
    DataExport.objects.update(expires_at=ago(1))
    assert exports.expire() == 1


def test_nobody_guesses_where_it_lies(alice: Person, charlie: Person) -> None:
    for person in (alice, charlie):
        exports.ask(access_of(person))
    exports.make_due()
    first, second = DataExport.objects.values_list("folder", flat=True)
    assert first != second
    assert all(len(name) == len("exports/") + 48 for name in (first, second))
