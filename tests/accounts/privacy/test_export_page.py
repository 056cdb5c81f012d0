"""Exports are asked for and fetched by owners and admins, one at a time, and by nobody else."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import InsufficientScope
from accounts.models import DataExport, ExportState, Role
from accounts.privacy import exports
from tests.accounts.privacy.steps import DAY_S, access_of, acts, fetched, leave
from tests.cast import Person, join
from tests.makers import ago
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/settings/export/"


def asked(person: Person) -> Any:
    return browser_of(person).post(PAGE)


def made(person: Person) -> DataExport:
    assert asked(person).status_code == 302
    assert exports.make_due() == 1
    return DataExport.objects.get(organization=person.organization, state=ExportState.READY)


def test_it_is_asked_for_made_and_fetched(alice: Person) -> None:
    client = browser_of(alice)
    assert "Make an export" in text_of(client.get(PAGE))
    assert client.post(PAGE)["Location"] == PAGE
    page = text_of(client.get(PAGE))
    assert "An export is being made" in page
    assert "Make an export" not in page
    assert exports.make_due() == 1
    export = DataExport.objects.get()
    page = text_of(client.get(PAGE))
    assert "Download" in page
    response: Any = client.get(f"{PAGE}{export.public_id}/")
    assert response["Content-Disposition"].startswith('attachment; filename="alices-studio-')
    assert response["Content-Type"] == "application/zip"
    leave(response)
    told = acts(alice.organization)
    assert told == [(alice.user.actor, "export_asked"), (alice.user.actor, "export_fetched")]


def test_who_may_not_export_is_refused_everything(alice: Person) -> None:
    export = made(alice)
    for role in (Role.DEVELOPER, Role.BILLING, Role.VIEWER):
        member = browser_of(join(f"{role}@studio.example", alice.organization, role))
        for path in (PAGE, f"{PAGE}{export.public_id}/"):
            assert member.get(path).status_code == 403
        assert member.post(PAGE).status_code == 403
    admin = join("admin@studio.example", alice.organization, Role.ADMIN)
    assert len(fetched(admin, export)) == export.byte_size
    assert DataExport.objects.count() == 1
    with pytest.raises(InsufficientScope):
        exports.ask(access_of(join("viewer2@studio.example", alice.organization, Role.VIEWER)))


def test_another_organizations_export_is_nothing(alice: Person, charlie: Person) -> None:
    export = made(alice)
    assert browser_of(charlie).get(f"{PAGE}{export.public_id}/").status_code == 404
    assert export.public_id not in browser_of(charlie).get(PAGE).content.decode()
    assert ("export_fetched" in {action for _actor, action in acts(alice.organization)}) is False


def test_a_visitor_has_to_sign_in(alice: Person) -> None:
    export = made(alice)
    for path in (PAGE, f"{PAGE}{export.public_id}/"):
        assert browser_of().get(path)["Location"] == f"/sign-in/?next={path}"


def test_only_one_is_made_at_a_time(alice: Person) -> None:
    assert asked(alice).status_code == 302
    again = asked(alice)
    assert again.status_code == 409
    assert "being made already" in text_of(again)
    assert DataExport.objects.count() == 1


def test_two_at_the_same_moment_are_one_by_the_database(alice: Person) -> None:
    DataExport.objects.create(organization=alice.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        DataExport.objects.create(organization=alice.organization)


def test_only_so_many_a_day(alice: Person) -> None:
    for _ in range(exports.MAX_PER_DAY):
        made_one = asked(alice)
        assert made_one.status_code == 302
        exports.make_due()
    refused = asked(alice)
    assert refused.status_code == 429
    assert "last export for today" in text_of(refused)
    DataExport.objects.update(created_at=ago(DAY_S + 1))
    assert asked(alice).status_code == 302


def test_what_is_not_ready_or_gone_is_not_to_be_had(alice: Person) -> None:
    assert asked(alice).status_code == 302
    export = DataExport.objects.get()
    client, path = browser_of(alice), f"{PAGE}{export.public_id}/"
    assert client.get(path).status_code == 404
    exports.make_due()
    response: Any = client.get(path)
    assert response.status_code == 200
    leave(response)
    DataExport.objects.update(expires_at=ago(1))
    assert client.get(path).status_code == 404
    assert client.get(f"{PAGE}exp_nothing/").status_code == 404


def test_a_look_at_the_head_fetches_nothing(alice: Person) -> None:
    export = made(alice)
    response = browser_of(alice).head(f"{PAGE}{export.public_id}/")
    assert (response.status_code, response["Content-Length"]) == (200, str(export.byte_size))
    assert ("export_fetched" in {action for _actor, action in acts(alice.organization)}) is False


def test_a_storage_that_lost_it_says_so_at_once_and_frees_its_place(alice: Person) -> None:
    export = made(alice)
    DataExport.objects.update(folder="exports/nowhere")
    for _ in range(6):  # more than may be sent at once
        response = browser_of(alice).get(f"{PAGE}{export.public_id}/")
        assert response.status_code == 503
    assert response["Retry-After"] == "30"


def test_places_to_send_are_given_back_also_by_who_leaves(alice: Person) -> None:
    export = made(alice)
    client = browser_of(alice)
    for _ in range(6):
        response: Any = client.get(f"{PAGE}{export.public_id}/")
        assert response.status_code == 200
        leave(response)
