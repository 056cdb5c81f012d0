"""A check reads what came after the last proof, and finds in that whatever a full one finds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from accounts.models import Organization
from billing import audit, ledger, proofs
from billing.models import LedgerEntry, LedgerProof, ProvenSum, Wallet
from generations import lifecycle
from generations.models import Generation, Image
from tests.billing.broken_books import CASES, Books, ended_unsettled, some_books
from tests.billing.lawless import lawless
from tests.billing.traffic import findings_beside_orders
from tests.makers import a_generation, ago, an_access, an_organization, new_reference
from tests.many_rows import fill
from tests.scale import count
from tests.threads import together

NO_TRIGGER = "append_only_trigger_is_missing"
YEAR_S = 366 * 86_400


def keep_proof() -> None:
    """Of the present books, in the test's own transaction."""
    with connection.cursor() as cursor:
        assert audit.check(cursor) == []
        proofs.keep(proofs.prove(cursor, proofs.latest(cursor), proofs.newest_ids(cursor)))


def broken_rules(*, full: bool = False) -> set[str]:
    with connection.cursor() as cursor:
        found = audit.check(cursor, audit.BEGINNING if full else proofs.latest(cursor))
    return {finding.rule for finding in found} - {NO_TRIGGER}


@pytest.fixture
def young_books(db: None) -> Books:
    """Made after older ones, with their open orders, were proven."""
    some_books()
    keep_proof()
    return some_books()


# --- What is young ------------------------------------------------------------------------------


def test_young_books_that_agree_give_no_findings(young_books: Books) -> None:
    assert broken_rules() == set()


@pytest.mark.parametrize(("break_it", "expected"), CASES)
def test_what_is_broken_after_a_proof_is_named_from_there(
    young_books: Books, break_it: Callable[[Books], None], expected: set[str]
) -> None:
    with lawless():
        break_it(young_books)
        assert broken_rules() == expected


def test_what_was_open_when_it_was_proven_is_read_again(db: None) -> None:
    books = some_books()
    keep_proof()
    with lawless():
        ended_unsettled(books)
        assert broken_rules()


def test_times_say_nothing_of_what_is_young(young_books: Books) -> None:
    with lawless():
        ended_unsettled(young_books)
        long_ago = ago(YEAR_S)
        Generation.objects.update(created_at=long_ago, deadline_at=long_ago)
        LedgerEntry.objects.update(created_at=long_ago)
        LedgerProof.objects.update(created_at=ago(-YEAR_S))
        assert broken_rules()


# --- What is old --------------------------------------------------------------------------------


@pytest.fixture
def ended_books(db: None) -> Books:
    """Proven when nothing in them was open any more."""
    books = some_books()
    lifecycle.cancel(books.queued)
    lifecycle.cancel(books.in_test_mode)
    keep_proof()
    return books


def another_cause(books: Books) -> None:
    LedgerEntry.objects.filter(reference=books.succeeded.reference).update(reference="generation:other")


def another_status(books: Books) -> None:
    Generation.objects.filter(pk=books.failed.pk).update(status="succeeded")


def another_amount(books: Books) -> None:
    LedgerEntry.objects.filter(kind="top_up", reference__startswith="made:").update(
        available=F("available") + 1
    )


@pytest.mark.parametrize("rewrite", [another_cause, another_status, another_amount])
def test_what_is_rewritten_after_it_was_proven_is_found_by_a_full_check(
    ended_books: Books, rewrite: Callable[[Books], None]
) -> None:
    with lawless():
        rewrite(ended_books)
        assert broken_rules() == set()
        assert broken_rules(full=True)


def test_an_image_of_an_old_order_is_young(ended_books: Books) -> None:
    Image.objects.create(generation=ended_books.failed, index=0, width=1, height=1, byte_size=1)
    assert broken_rules() == {"delivery_does_not_fit_its_status"}


def test_an_entry_of_an_old_order_is_young(ended_books: Books) -> None:
    reference = ended_books.in_test_mode.reference
    ledger.hold(ended_books.organization.pk, 1, reference=reference, actor="system", key_id=None)
    assert "test_generation_touched_the_wallet" in broken_rules()


# --- From one proof to the next -----------------------------------------------------------------


def proven_entries() -> int:
    [proof] = LedgerProof.objects.all()
    marked: int = proof.marks["entries"]
    return marked


def grant(organization: Organization, credits: int = 1) -> None:
    ledger.grant(organization.pk, credits, reference=new_reference("manual"), actor="system")


def test_each_check_that_finds_nothing_renews_the_proof(committed_db: None) -> None:
    organization = an_organization(10)
    assert proofs.check() == []
    assert proven_entries() == LedgerEntry.objects.latest("pk").pk
    grant(organization)
    assert proofs.check() == []
    assert proven_entries() == LedgerEntry.objects.latest("pk").pk
    assert ProvenSum.objects.get(grouping="wallet", subject_id=organization.wallet.pk).available == 11


def test_a_proof_ends_before_the_oldest_open_order(committed_db: None) -> None:
    organization = an_organization(100)
    generation = a_generation(an_access(organization))
    grant(organization)
    assert proofs.check() == []
    assert proven_entries() < LedgerEntry.objects.get(reference=generation.reference).pk
    lifecycle.cancel(generation)
    assert proofs.check() == []
    assert proven_entries() == LedgerEntry.objects.latest("pk").pk


def test_books_that_disagree_are_not_proven(committed_db: None) -> None:
    organization = an_organization(10)
    Wallet.objects.update(available=F("available") + 1)
    for full in (False, True):
        assert [finding.row["wallet"] for finding in proofs.check(full=full)] == [organization.slug]
    assert not LedgerProof.objects.exists()


def test_a_finding_since_the_proof_leaves_it_as_it_was(committed_db: None) -> None:
    an_organization(10)
    assert proofs.check() == []
    before = LedgerProof.objects.values_list().get()
    Wallet.objects.update(available=F("available") + 1)
    assert len(proofs.check()) == 1
    assert LedgerProof.objects.values_list().get() == before


def test_a_wrong_proof_neither_raises_an_alarm_nor_hides_anything(committed_db: None) -> None:
    an_organization(10)
    assert proofs.check() == []
    ProvenSum.objects.update(available=F("available") + 1)
    assert broken_rules() == {"wallet_is_not_the_sum_of_its_entries"}
    assert proofs.check() == []  # it has read everything, and proven it anew
    assert broken_rules() == set()

    ProvenSum.objects.update(available=F("available") + 1)
    Wallet.objects.update(available=F("available") + 1)
    assert broken_rules() == set()
    assert len(proofs.check(full=True)) == 1


def test_other_rules_prove_everything_anew(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    an_organization(10)
    assert proofs.check() == []
    with audit.snapshot() as cursor:
        assert proofs.latest(cursor) != audit.BEGINNING
        monkeypatch.setattr(audit, "known_causes", [*audit.known_causes, "training"])
        assert proofs.latest(cursor) == audit.BEGINNING


def test_checks_at_once_do_no_harm(committed_db: None) -> None:
    an_organization(10)
    for _ in range(count(3, 30)):
        assert together(4, lambda _: proofs.check()) == [[]] * 4
    assert proofs.check() == []
    assert LedgerProof.objects.count() == 1
    assert not ProvenSum.objects.exclude(proof=LedgerProof.objects.get()).exists()


# --- What a check costs; on PostgreSQL tests/generations/test_query_plans.py asks for its plans -----

if connection.vendor == "sqlite":

    def steps(work: Callable[[], object]) -> int:
        """Of SQLite's machine, in hundreds."""
        hundreds = 0

        def another() -> None:
            nonlocal hundreds
            hundreds += 1

        connection.ensure_connection()
        connection.connection.set_progress_handler(another, 100)
        work()
        connection.connection.set_progress_handler(None, 0)
        return hundreds

    def test_a_check_after_a_proof_costs_the_same_with_ten_times_the_history(db: None) -> None:
        access = an_access(an_organization(1_000_000))
        costs = []
        for rows in (100, 900):
            fill(access, rows)
            keep_proof()
            young = a_generation(access)
            costs.append([steps(broken_rules), steps(lambda: broken_rules(full=True))])
            lifecycle.cancel(young)
        [(since, full), (since_later, full_later)] = costs
        assert since_later < since * 1.5
        assert full_later > full * 5


# --- Transactions that are open meanwhile -------------------------------------------------------


@contextmanager
def granting_late(organization: Organization) -> Iterator[Callable[[], None]]:
    """Another connection has made an entry and not committed it, while a younger one is; yields what commits it."""
    made, go_on = threading.Event(), threading.Event()

    def grant_late(_index: int) -> None:
        with transaction.atomic():
            grant(organization, 100)
            made.set()
            assert go_on.wait(30)

    thread = threading.Thread(target=together, args=(1, grant_late))
    thread.start()
    assert made.wait(30)

    def commit() -> None:
        go_on.set()
        thread.join()

    try:
        yield commit
    finally:
        commit()


if connection.vendor == "postgresql":  # on SQLite ids follow commits, since there is one writer at a time

    @pytest.fixture
    def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proofs, "WRITERS_END_S", 0.1)

    @pytest.mark.usefixtures("_impatient")
    def test_an_open_transaction_delays_the_proof_not_the_check(committed_db: None) -> None:
        busy, other = an_organization(10), an_organization(10)
        with granting_late(busy) as commit:
            grant(other)
            assert proofs.check() == []
            assert not LedgerProof.objects.exists()
            commit()
        assert proofs.check() == []
        assert broken_rules() == set()
        Wallet.objects.filter(organization=busy).update(available=10)
        assert broken_rules()

    @pytest.mark.usefixtures("_impatient")
    def test_without_waiting_for_it_a_proof_misses_its_entry_control(
        committed_db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proofs, "all_writers_end", lambda _cursor: True)
        busy, other = an_organization(10), an_organization(10)
        with granting_late(busy) as commit:
            grant(other)
            assert proofs.check() == []
            commit()
        assert broken_rules() == {"wallet_is_not_the_sum_of_its_entries"}
        assert broken_rules(full=True) == set()

    def test_a_check_waits_for_a_transaction_that_ends(
        committed_db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy, other = an_organization(10), an_organization(10)
        with granting_late(busy) as commit:
            grant(other)
            first_look = proofs._writers

            def look_once(cursor: CursorWrapper) -> set[str]:
                found = first_look(cursor)
                monkeypatch.setattr(proofs, "_writers", first_look)
                assert found
                commit()
                return found

            monkeypatch.setattr(proofs, "_writers", look_once)
            assert proofs.check() == []
        assert LedgerProof.objects.exists()
        assert broken_rules() == set()


def test_traffic_raises_no_false_alarm(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = an_organization(1_000_000)
    Wallet.objects.update(open_limit=1000)
    access = an_access(organization)
    real, since_proofs = audit.check, []

    def seen(cursor: CursorWrapper, since: audit.Since = audit.BEGINNING) -> list[audit.Finding]:
        found = real(cursor, since)
        if since != audit.BEGINNING:
            since_proofs.append(found)
        return found

    monkeypatch.setattr(audit, "check", seen)

    assert findings_beside_orders(access, proofs.check, count(5, 200), timeout_s=300) == 0
    assert since_proofs
    assert all(found == [] for found in since_proofs)
