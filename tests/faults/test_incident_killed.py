"""kill -9 of whoever gives the credits of an incident: the next one gives the rest, and nobody gets any twice."""

import pytest
from django.db import connection

from billing import audit
from generations import incidents
from generations.models import IncidentState
from tests.faults.killing import kill_in_the_middle
from tests.generations.hurt import a_failed, an_incident
from tests.makers import PRICE_CREDITS, an_access, an_organization, wallet_of
from tests.operators import doer

TASKS = 7
# Says when it is in the middle, and then takes longer than anybody waits.
BEGIN = """
import time, django
django.setup()
from generations import incidents

def stop_here(*_arguments, **_more):
    print("in the middle", flush=True)
    time.sleep(600)

incidents.PORTION = 3
"""
WITHIN_A_TRANSACTION = f"""{BEGIN}
inner, calls = incidents.ledger.grant_each, []
def grant_each(*arguments, **more):
    found = inner(*arguments, **more)
    calls.append(1)
    return stop_here() if len(calls) == 2 else found
incidents.ledger.grant_each = grant_each
incidents.run_due()"""
BEFORE_THE_MARK = f"""{BEGIN}
inner, calls = incidents._credit, []
def credit(*arguments):
    found = inner(*arguments)
    calls.append(1)
    return stop_here() if len(calls) == 2 else found
incidents._credit = credit
incidents.run_due()"""
BEFORE_ANYBODY_IS_TOLD = f"{BEGIN}\nincidents._tell = stop_here\nincidents.run_due()"


@pytest.mark.parametrize(
    ("script", "given"), [(WITHIN_A_TRANSACTION, 3), (BEFORE_THE_MARK, 6), (BEFORE_ANYBODY_IS_TOLD, 7)]
)
def test_the_next_one_gives_the_rest(committed_db: None, script: str, given: int) -> None:
    organization = an_organization(credits=1000)
    access = an_access(organization)
    for _ in range(TASKS):
        a_failed(access)
    incident = an_incident()
    incidents.start(incident, doer())
    connection.close()
    kill_in_the_middle(script)
    assert incidents.given(incident).tasks == given
    assert wallet_of(organization)[0] == 1000 + given * PRICE_CREDITS
    assert incidents.run_due() == TASKS - given
    incident.refresh_from_db()
    assert incident.state == IncidentState.DONE
    share = incident.shares.get()
    assert (share.tasks, share.credits, share.told) == (TASKS, TASKS * PRICE_CREDITS, TASKS * PRICE_CREDITS)
    assert wallet_of(organization)[0] == 1000 + TASKS * PRICE_CREDITS
    assert audit.check_snapshot() == []
