"""check_ledger: silent books are good books, and every row that disagrees is named."""

from django.db.models import F

from billing.models import ProvenSum, Wallet
from generations import runner
from generations.models import Generation, Status
from tests.accounts.client import generate, task_of
from tests.accounts.commands import Shell, in_a_process
from tests.cast import Person, new_key


def test_books_that_agree_are_exit_0(shell: Shell, alice: Person) -> None:
    key = new_key(alice)[1]
    task_of(generate(key))
    runner.run(Generation.objects.get(task_id=task_of(generate(key))).pk)
    assert shell.answer("check_ledger") == "ok"


def test_every_wallet_that_is_not_its_entries_is_named_with_exit_1(
    shell: Shell, alice: Person, charlie: Person
) -> None:
    Wallet.objects.update(available=F("available") + 1)
    done = shell("check_ledger")
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    for person in (alice, charlie):
        assert person.organization.slug in done.out
    assert "2 rows" in done.err


def test_generation_without_its_settlement_is_named(shell: Shell, alice: Person) -> None:
    task = task_of(generate(new_key(alice)[1]))
    open_row = Generation.objects.get(task_id=task)
    Generation.objects.update(status=Status.FAILED, finished_at=F("created_at"))
    done = shell("check_ledger")
    assert done.code == 1
    assert open_row.task_id in done.out


def test_what_was_found_right_is_read_again_only_with_full(shell: Shell, alice: Person) -> None:
    assert shell.answer("check_ledger") == "ok"
    # As if somebody had changed an old entry behind the triggers: the wallet is no longer the sum of its entries.
    Wallet.objects.update(available=F("available") + 1)
    ProvenSum.objects.filter(grouping="wallet").update(available=F("available") + 1)
    assert shell.answer("check_ledger") == "ok"
    done = shell("check_ledger", "--full")
    assert done.code == 1
    assert alice.organization.slug in done.out


def test_another_process_finds_the_same(committed_db: None, alice: Person) -> None:
    done = in_a_process("check_ledger")
    assert (done.code, done.err) == (0, "")
    Wallet.objects.update(held=5)
    done = in_a_process("check_ledger")
    assert done.code == 1
    assert done.out.count("\n") >= 1
