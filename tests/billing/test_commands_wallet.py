"""grant_credits and show_wallet."""

import json

import pytest

from billing import ledger
from billing.models import EntryNote, LedgerEntry
from billing.reads import balance
from tests.accounts.client import generate
from tests.accounts.commands import Shell, in_a_process
from tests.cast import Person, new_key


def test_wallet_is_printed_as_json(shell: Shell, alice: Person) -> None:
    assert shell.answer("show_wallet", alice.organization.slug) == '{"available":1500,"held":0,"owed":0}'
    generate(new_key(alice)[1])
    assert shell.answer("show_wallet", alice.organization.slug) == '{"available":1485,"held":15,"owed":0}'


def test_debt_is_shown(shell: Shell, alice: Person) -> None:
    ledger.claw_back(alice.organization.pk, 1600, value_micros=0, reference="payment:1:1", actor="system")
    assert json.loads(shell.answer("show_wallet", alice.organization.slug)) == {
        "available": 0,
        "held": 0,
        "owed": 100,
    }


def test_granted_credits_are_an_entry_with_its_reason_and_the_new_balance_is_printed(
    shell: Shell, alice: Person
) -> None:
    assert shell.answer("grant_credits", alice.organization.slug, "50", "--reason", "goodwill") == "1550"
    entry = LedgerEntry.objects.latest("pk")
    assert (entry.kind, entry.available, entry.actor) == ("grant", 50, "system")
    assert entry.reference.startswith("manual:")
    assert EntryNote.objects.get(entry=entry).text == "goodwill"


def test_two_grants_with_one_reason_are_two(shell: Shell, alice: Person) -> None:
    grants = [
        shell.answer("grant_credits", alice.organization.slug, "5", "--reason", "again") for _ in range(2)
    ]
    assert grants == ["1505", "1510"]


@pytest.mark.parametrize("credits", ["0", "-5", "1.5", "many", "1000000001"])
def test_unusable_number_of_credits_is_refused(shell: Shell, alice: Person, credits: str) -> None:
    done = shell("grant_credits", alice.organization.slug, "--reason", "x", "--", credits)
    assert (done.code != 0, done.out) == (True, "")
    assert "Traceback" not in done.err
    assert balance(alice.organization.pk).available == 1500


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "  "]])
def test_grant_without_a_reason_is_refused(shell: Shell, alice: Person, reason: list[str]) -> None:
    done = shell("grant_credits", alice.organization.slug, "5", *reason)
    assert (done.code != 0, done.out) == (True, "")
    assert "--reason" in done.err
    assert balance(alice.organization.pk).available == 1500


@pytest.mark.parametrize(
    "command", [["show_wallet", "nobody"], ["grant_credits", "nobody", "5", "--reason", "x"]]
)
def test_unknown_organization_is_refused(shell: Shell, command: list[str]) -> None:
    assert "nobody" in shell.refusal(*command)


def test_another_process_sees_the_same_wallet(committed_db: None, alice: Person) -> None:
    done = in_a_process("show_wallet", alice.organization.slug)
    assert (done.code, done.out, done.err) == (0, '{"available":1500,"held":0,"owed":0}\n', "")
