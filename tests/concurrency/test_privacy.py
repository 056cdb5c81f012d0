"""Exports and erasures by many at once."""

import threading
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import DataExport, ExportState, Membership, QueuedMail, Role
from accounts.privacy import erasing, exports
from tests.cast import Person, access_of_user, found, join
from tests.concurrency.outcomes import tally
from tests.generations.kept_images import files, keep_images_in
from tests.threads import together

THREADS = 8


def owners_of_one() -> list[Person]:
    first = found("first@studio.example", "Together")
    return [first, join("second@studio.example", first.organization, Role.OWNER)]


def owners_left() -> int:
    return Membership.objects.filter(role=Role.OWNER).count()


@pytest.mark.usefixtures("race_db")
def test_of_two_owners_who_leave_at_once_one_stays() -> None:
    owners = owners_of_one()
    assert tally(together(2, lambda index: erasing.erase(owners[index].user))) == {"True": 1, "OnlyOwner": 1}
    assert owners_left() == 1


@pytest.mark.usefixtures("race_db")
def test_looking_first_leaves_nobody_control() -> None:
    owners, both_have_looked = owners_of_one(), threading.Barrier(2)

    def leave(index: int) -> bool:
        is_free = not erasing.only_owner_of(owners[index].user)
        both_have_looked.wait(10)
        Membership.objects.filter(user=owners[index].user).delete()
        return is_free

    assert tally(together(2, leave)) == {"True": 2}
    assert owners_left() == 0


@pytest.mark.usefixtures("race_db")
def test_one_export_is_asked_for_made_and_told_of_once(tmp_path: Path, settings: Settings) -> None:
    keep_images_in(tmp_path, settings)
    access = access_of_user(found("owner@studio.example", "Curious").user)
    asked = tally(together(THREADS, lambda _index: exports.ask(access).state))
    assert asked == {"waiting": 1, "ExportUnderWay": THREADS - 1}
    made = tally(together(THREADS, lambda _index: exports.make_due()))
    assert made == {"1": 1, "0": THREADS - 1}
    export = DataExport.objects.get()
    assert (export.state, export.tries) == (ExportState.READY, 1)
    assert files(tmp_path) == export.part_count
    assert QueuedMail.objects.count() == 1


@pytest.mark.usefixtures("race_db")
def test_looking_for_an_export_first_asks_for_as_many_as_come_control() -> None:
    access = access_of_user(found("owner@studio.example", "Curious").user)
    connection.close()
    everybody_has_looked = threading.Barrier(THREADS)

    def ask_naively(_index: int) -> bool:
        waiting = DataExport.objects.filter(organization=access.organization, state=ExportState.WAITING)
        is_first = not waiting.exists()
        connection.close()
        everybody_has_looked.wait(30)
        return is_first

    assert tally(together(THREADS, ask_naively)) == {"True": THREADS}
