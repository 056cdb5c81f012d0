"""Operators who do the same at the same moment, or the same one who clicks twice: it is done once."""

import threading
import uuid
from dataclasses import replace

from django.db import connection
from django.db.models import Model

from accounts.clock import db_now
from accounts.models import ApiKey, AuditEvent, Organization, StandIn
from billing import ledger, manual
from billing.models import LedgerEntry
from generations import incidents, remedies
from generations.models import Generation, IncidentShare, IncidentState
from tests.cast import Person
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.generations.hurt import a_failed, an_incident
from tests.makers import PRICE_CREDITS, a_generation, an_access, an_organization, wallet_of
from tests.operators import desk_of, do, doer, operator
from tests.scale import count
from tests.threads import together

RUNNERS = 8


def test_credits_come_and_go_once_for_a_form(race_db: None) -> None:
    organization, once = an_organization(credits=100), uuid.uuid4()
    connection.close()

    def give(_index: int) -> bool:
        return manual.grant(organization.pk, 50, reason="goodwill", once=once) is not None

    def take(_index: int) -> bool:
        return manual.take(organization.pk, 30, reason="a mistake", once=once) is not None

    for work in (give, take):
        assert tally(together(RUNNERS, work)) == {"True": 1, "False": RUNNERS - 1}
    assert wallet_of(organization)[0] == 120
    assert AuditEvent.objects.count() == 2
    assert_books_are_right()


def test_forms_without_a_mark_give_as_often_as_they_are_sent_control(race_db: None) -> None:
    organization = an_organization()
    connection.close()
    together(RUNNERS, lambda _index: manual.grant(organization.pk, 50, reason="goodwill"))
    assert wallet_of(organization)[0] == 50 * RUNNERS


def test_a_task_is_made_again_once(race_db: None) -> None:
    organization = an_organization(credits=100)
    failed, who = a_failed(an_access(organization)), doer()
    before = wallet_of(organization)[0]
    connection.close()
    outcomes = together(RUNNERS, lambda _index: remedies.retry(failed, replace(who, once=uuid.uuid4())))
    made = tally([type(one).__name__ for one in outcomes])
    assert made == {"Generation": 1, "RetriedBefore": RUNNERS - 1}
    assert Generation.objects.filter(retry_of=failed).count() == 1
    assert wallet_of(organization)[:2] == (before, PRICE_CREDITS)
    assert AuditEvent.objects.count() == 1
    assert_books_are_right()


def test_looking_for_an_earlier_one_first_makes_as_many_as_ask_control(race_db: None) -> None:
    failed = a_failed(an_access(an_organization(credits=100)))
    connection.close()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def retry_naively(_index: int) -> bool:
        is_first = not Generation.objects.filter(retry_of=failed).exists()
        connection.close()
        everybody_has_looked.wait(30)
        return is_first

    assert tally(together(RUNNERS, retry_naively)) == {"True": RUNNERS}


def test_a_task_is_canceled_once_and_a_key_frozen_once(race_db: None) -> None:
    organization = an_organization(credits=100)
    waiting = a_generation(an_access(organization))
    key, desks = ApiKey.objects.get(), [desk_of(operator()) for _ in range(4)]
    connection.close()
    targets: list[tuple[Model, str]] = [(waiting, "cancel"), (key, "freeze"), (organization, "suspend")]
    for row, deed in targets:
        before = AuditEvent.objects.count()
        connection.close()

        def act(index: int, row: Model = row, deed: str = deed) -> int:
            return int(do(desks[index], row, deed).status_code)

        answers = together(len(desks), act)
        assert tally(answers) == {"200": len(desks)}
        assert AuditEvent.objects.count() == before + 1, deed
    assert wallet_of(organization)[:2] == (100, 0)
    assert Organization.objects.get().suspended_at is not None


def test_reading_that_a_key_works_first_freezes_it_as_often_as_asked_control(race_db: None) -> None:
    key = an_access(an_organization()).key
    assert key
    connection.close()
    everybody_has_read = threading.Barrier(RUNNERS)

    def freeze_naively(_index: int) -> bool:
        mine = ApiKey.objects.filter(pk=key.pk)
        is_working = mine.filter(frozen_at=None).exists()
        connection.close()
        everybody_has_read.wait(30)
        return is_working and bool(mine.update(frozen_at=db_now()))

    assert tally(together(RUNNERS, freeze_naively)) == {"True": RUNNERS}


def test_a_form_that_begins_to_look_in_begins_once(race_db: None, alice: Person) -> None:
    desk, once = desk_of(operator()), uuid.uuid4()
    member = str(alice.user.uuid)
    connection.close()
    together(4, lambda _index: do(desk, alice.organization, "look-in", once=once, member=member))
    assert StandIn.objects.count() == 1
    assert AuditEvent.objects.filter(action="stand_in_begun").count() == 1


def test_forms_that_are_not_the_same_one_begin_to_look_in_as_often_as_they_are_sent_control(
    race_db: None, alice: Person
) -> None:
    desks, member = [desk_of(operator()) for _ in range(4)], str(alice.user.uuid)
    connection.close()
    together(4, lambda index: do(desks[index], alice.organization, "look-in", member=member))
    assert StandIn.objects.count() == 4


# --- Incidents ----------------------------------------------------------------------------------


def some_affected(organizations: int, tasks: int) -> list[Organization]:
    made = [an_organization(credits=1000) for _ in range(organizations)]
    for organization in made:
        access = an_access(organization)
        for _ in range(tasks):
            a_failed(access)
    return made


def test_an_incident_that_many_run_at_once_brings_each_task_its_credits_once(race_db: None) -> None:
    tasks = count(6, 60)
    made = some_affected(3, tasks)
    incident = an_incident()
    incidents.start(incident, doer())
    incidents_portion, incidents.PORTION = incidents.PORTION, 5
    connection.close()
    try:
        outcomes = together(RUNNERS, lambda _index: incidents.run_due())
    finally:
        incidents.PORTION = incidents_portion
    assert sum(one for one in outcomes if isinstance(one, int)) == 3 * tasks, outcomes
    incident.refresh_from_db()
    assert incident.state == IncidentState.DONE
    for organization in made:
        assert wallet_of(organization)[0] == 1000 + tasks * PRICE_CREDITS
    assert incidents.given(incident) == incidents.extent(incident)
    told = AuditEvent.objects.values_list("details", flat=True)
    assert sum(one["credits"] for one in told) == 3 * tasks * PRICE_CREDITS
    assert_books_are_right()


def test_looking_into_the_ledger_first_credits_as_often_as_they_run_control(race_db: None) -> None:
    [organization] = some_affected(1, 1)
    incident = an_incident()
    task = Generation.objects.get()
    connection.close()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def credit_naively(index: int) -> bool:
        reference = incident.reference(task.task_id)
        is_given = LedgerEntry.objects.filter(reference=reference, kind="grant").exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_given:
            return False
        # The guard that is away: every run calls it otherwise.
        entry = ledger.grant(organization.pk, 15, reference=f"{reference}:{index}", actor="system")
        return entry is not None

    assert tally(together(RUNNERS, credit_naively)) == {"True": RUNNERS}
    assert not IncidentShare.objects.exists()
