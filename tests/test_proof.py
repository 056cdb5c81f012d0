"""What the proof writes down, and what it holds to its limits."""

import json
from pathlib import Path

import pytest

from tests import proof_page, proof_scope, scale
from tests.conftest import belongs_to_this_run, touches_data
from tests.scale import Figure
from tests.services import DATABASE


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    kept: list[Figure] = []
    monkeypatch.setattr(scale, "figures", kept)
    return kept


@pytest.mark.parametrize(("proof", "expected"), [(True, 500), (False, 20)])
def test_only_the_proof_uses_full_counts(monkeypatch: pytest.MonkeyPatch, proof: bool, expected: int) -> None:
    monkeypatch.setattr(scale, "PROOF", proof)
    assert scale.count(20, 500) == expected


def test_only_the_proof_judges_by_the_clock(monkeypatch: pytest.MonkeyPatch, figures: list[Figure]) -> None:
    monkeypatch.delenv("RUNS_FOLDER", raising=False)
    monkeypatch.setattr(scale, "PROOF", False)
    scale.record("POST to SUCCESS", 1.5, "s", limit=1)
    monkeypatch.setattr(scale, "PROOF", True)
    scale.record("POST to SUCCESS", 0.5, "s", limit=1)
    with pytest.raises(AssertionError, match="promised at most 1"):
        scale.record("POST to SUCCESS", 1.5, "s", limit=1)
    assert [figure.value for figure in figures] == [1.5, 0.5, 1.5]


def test_page_shows_both_databases_and_the_coverage(tmp_path: Path) -> None:
    percents = tmp_path / "build" / "coverage"
    percents.mkdir(parents=True)
    (percents / "billing.percent").write_text("97.4\n")
    proof_page.write("sqlite", 240, 61.2, [Figure("POST to SUCCESS", 0.31, "s", 1)], tmp_path)
    proof_page.write("postgresql", 90, 30, [Figure("accepts", 2116.0, "per second", None)], tmp_path)
    page = (tmp_path / "docs" / "proof.md").read_text()
    assert "| POST to SUCCESS | sqlite | 0.31 s | ≤ 1 s |" in page
    assert "| accepts | postgresql | 2116 per second |  |" in page
    assert "Tests passed on sqlite: 240 in 61 s" in page
    assert "billing 97.4 %" in page
    assert "Commit: unknown" in page


def test_a_second_run_replaces_its_databases_figures(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        proof_page.write("sqlite", 1, 1, [Figure("wait", value, "s", None)], tmp_path)
    assert "wait | sqlite | 2 s" in (tmp_path / "docs" / "proof.md").read_text()
    assert json.loads((tmp_path / "build" / "proof" / "sqlite.json").read_text())["passed"] == 1


def test_what_touches_no_data_runs_on_one_database_only(request: pytest.FixtureRequest) -> None:
    by_name = {item.name: item for item in request.session.items}
    this = by_name["test_what_touches_no_data_runs_on_one_database_only"]
    assert not touches_data(this)
    other = next((item for name, item in by_name.items() if name.startswith("test_the_cast_is")), None)
    assert other is None or touches_data(other)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_long_test_runs_every_day_on_one_database_and_in_the_proof_on_both(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    request.node.add_marker(pytest.mark.everyday_on(database))
    monkeypatch.setattr(scale, "PROOF", False)
    assert belongs_to_this_run(request.node) is (database == DATABASE)
    monkeypatch.setattr(scale, "PROOF", True)
    assert belongs_to_this_run(request.node)


def test_proof_leaves_out_what_it_would_only_repeat(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(scale, "PROOF", True)
    here = Path(__file__).parent
    assert proof_scope.asks_for_scale(here / "test_proof.py")
    assert proof_scope.asks_for_scale(here / "browser" / "conftest.py")
    assert not proof_scope.asks_for_scale(here / "accounts" / "test_keys.py")
    left = {item.path for item in request.session.items if belongs_to_this_run(item)}
    assert here / "accounts" / "test_roles.py" not in left


@pytest.mark.parametrize(
    ("texts", "asks"),
    [
        ({"a.py": "from tests import scale"}, True),
        ({"a.py": "def f():\n    import tests.scale"}, True),
        ({"a.py": "from tests.b import x", "b.py": "from tests.scale import count"}, True),
        ({"a.py": "from tests import b", "b.py": "import tests.a"}, False),
        ({"a.py": "from tests.missing import x\nimport os"}, False),
    ],
)
def test_scale_is_asked_for_by_any_number_of_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, texts: dict[str, str], asks: bool
) -> None:
    monkeypatch.setattr(proof_scope, "TESTS", tmp_path / "tests")
    (tmp_path / "tests").mkdir()
    for name, text in texts.items():
        (tmp_path / "tests" / name).write_text(text)
    assert proof_scope.asks_for_scale(tmp_path / "tests" / "a.py") is asks
