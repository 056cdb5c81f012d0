"""What `make test` leaves to one of the two databases: each such test runs on exactly one, everything else on both. And
the parts in which it runs them.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest, run, scale, turns
from tests.conftest import belongs_to_this_run

DATABASES = ("sqlite", "postgresql")


def an_item(file: str, name: str = "test_it", *, touches_data: bool = True) -> Any:
    return SimpleNamespace(
        path=turns.TESTS / file,
        name=name,
        originalname=name,
        fixturenames=["db"] if touches_data else [],
        get_closest_marker=lambda _name: None,
    )


@pytest.fixture
def runs_on(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(scale, "PROOF", False)
    monkeypatch.setattr(turns, "PART", "")

    def runs_on(item: Any, *, by_turns: bool) -> list[str]:
        monkeypatch.setattr(turns, "BY_TURNS", by_turns)
        found = []
        for database in DATABASES:
            monkeypatch.setattr(conftest, "DATABASE", database)
            found += [database] * belongs_to_this_run(item)
        return found

    return runs_on


def test_what_is_named_here_is_there() -> None:
    named = (*turns.ALIKE, *turns.SHOPS)
    assert [name for name in named if not (turns.TESTS / name).exists()] == []
    assert sorted(turns.ALIKE) == sorted(set(turns.ALIKE))


def test_each_of_what_is_alike_runs_on_one_and_each_has_a_share(runs_on: Any) -> None:
    items = [an_item("accounts/team/test_members.py", f"test_{number}") for number in range(200)]
    taken = [runs_on(item, by_turns=True) for item in items]
    assert {len(databases) for databases in taken} == {1}
    assert min(taken.count([database]) for database in DATABASES) > 30


def test_all_cases_of_a_function_run_on_the_same(runs_on: Any) -> None:
    cases = [an_item("accounts/team/test_members.py", f"test_it[{number}]") for number in range(50)]
    for case in cases:
        case.originalname = "test_it"
    assert len({tuple(runs_on(case, by_turns=True)) for case in cases}) == 1


def test_all_tests_before_one_shop_run_on_the_same(runs_on: Any) -> None:
    items = [an_item("generations/openai_api/test_client.py", f"test_{number}") for number in range(50)]
    for item in items:
        item.fixturenames.append("kept_db")
    assert len({tuple(runs_on(item, by_turns=True)) for item in items}) == 1


@pytest.mark.parametrize(
    "file",
    [
        "billing/test_ledger_holding.py",  # is not named
        "billing/stripe/test_automatic_races.py",  # several at once
        "webhooks/customers/test_query_plans.py",
        "concurrency/test_places.py",
        "accounts/team_and_more/test_it.py",
    ],
)
def test_what_depends_on_the_database_runs_on_both(runs_on: Any, file: str) -> None:
    items = [an_item(file, f"test_{number}") for number in range(20)]
    for item in items:
        item.fixturenames.append("committed_db")
    assert all(runs_on(item, by_turns=True) == list(DATABASES) for item in items)


def test_without_turns_everything_that_touches_data_runs_on_both(runs_on: Any) -> None:
    items = [an_item("accounts/team/test_members.py", f"test_{number}") for number in range(20)]
    assert all(runs_on(item, by_turns=False) == list(DATABASES) for item in items)


def test_what_touches_no_data_runs_once(runs_on: Any) -> None:
    item = an_item("accounts/team/test_roles.py", touches_data=False)
    assert runs_on(item, by_turns=True) == ["sqlite"]
    assert runs_on(item, by_turns=False) == ["sqlite"]


@pytest.mark.parametrize(
    ("file", "part"),
    [("browser/test_every_page.py", "shops"), ("config/test_pages.py", "rest"), ("test_turns.py", "rest")],
)
def test_on_sqlite_each_test_is_of_one_part(monkeypatch: pytest.MonkeyPatch, file: str, part: str) -> None:
    found = []
    for side in run.THREE:
        monkeypatch.setattr(turns, "PART", side.part)
        found += [side.part] * (side.database == "sqlite" and turns.is_of_this_part(turns.TESTS / file))
    assert found == [part]


def test_on_postgresql_all_is_of_one_part() -> None:
    assert [side.part for side in run.THREE if side.database == "postgresql"] == [""]
