"""Commands as processes: they find the database by DATA_DIR and DATABASE_URL, and say so when there is none."""

from pathlib import Path

from accounts.models import ApiKey
from tests.accounts.client import generate
from tests.accounts.commands import in_a_process
from tests.cast import Person, new_key


def test_key_that_another_process_made_works_here(committed_db: None, alice: Person) -> None:
    done = in_a_process("create_api_key", alice.organization.slug)
    assert (done.code, done.err) == (0, "")
    assert done.out == done.out.strip() + "\n"
    assert generate(done.out.strip()).status_code == 200


def test_key_that_another_process_revoked_is_out_here(committed_db: None, alice: Person) -> None:
    text = new_key(alice)[1]
    assert generate(text).status_code == 200
    assert in_a_process("revoke_api_key", text[:12]).out == f"{text[:12]}\n"
    assert generate(text).status_code == 401
    assert ApiKey.objects.get().revoked_at is not None


def test_database_without_tables_is_said_in_one_line_with_the_cure(tmp_path: Path) -> None:
    done = in_a_process("show_wallet", "x", DATA_DIR=str(tmp_path), DATABASE_URL="")
    assert (done.code, done.out) == (1, "")
    assert done.err.strip() == "The database has no tables yet. Run: manage.py migrate"


def test_database_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    url = "postgresql://nobody:wrong@127.0.0.1:1/shop"
    done = in_a_process("show_wallet", "x", DATA_DIR=str(tmp_path), DATABASE_URL=url)
    assert (done.code, done.out) == (1, "")
    assert done.err.strip().splitlines()[-1].startswith("The database does not answer: ")
    assert "Traceback" not in done.err
    assert "wrong" not in done.err
