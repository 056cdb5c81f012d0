"""Images that are taken down, phrases that are blocked, customers that are resumed, and what is said on every page."""

import base64
import re
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture
from pytest_django import Settings

from accounts.models import OperatorAlert, Organization
from accounts.organizations import suspend
from generations import circuit, conduct, notices
from generations.models import Attempt, BlockedPhrase, Takedown
from generations.providers.base import OutcomeKind
from tests.generations.kept_images import an_image, files, keep_images_in
from tests.makers import an_organization, an_upstream
from tests.operators import clerk, desk_of, do, operator
from tests.pages import text_of
from tests.several import a_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path, settings)
    return tmp_path


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def test_image_is_found_and_taken_down_with_a_reason(folder: Path, desk: Client) -> None:
    image, other = an_image(0), an_image(0)
    listed = desk.get("/admin/generations/image/", {"q": image.public_id})
    assert image.public_id in text_of(listed)
    assert other.public_id not in text_of(listed)
    page = f"/admin/generations/image/{image.pk}"
    assert "Take it down" in text_of(desk.get(f"{page}/change/"))
    assert "Removes" not in text_of(desk.get(f"{page}/take-down/"))
    assert desk.post(f"{page}/take-down/", {"reason": " "}).status_code == 200
    assert not Takedown.objects.exists()
    shown = desk.post(f"{page}/take-down/", {"reason": "A court asked for it"}, follow=True)
    assert "taken down" in text_of(shown)
    assert "A court asked for it" in text_of(shown)
    takedown = Takedown.objects.get()
    assert (takedown.image, takedown.actor) == (image, f"staff:{operator().uuid}")
    assert files(folder) == 1
    desk.post(f"{page}/take-down/", {"reason": "Another"})
    assert Takedown.objects.get().reason == "A court asked for it"


def test_the_platforms_staff_sees_it_whichever_shop_it_is_of(folder: Path, desk: Client) -> None:
    image = an_image(0)
    Organization.objects.filter(pk=image.generation.organization_id).update(shop=a_shop().shop)
    page = desk.get(f"/admin/generations/image/{image.pk}/change/").content.decode()
    [found] = re.findall(r'src="data:image/webp;base64,([^"]+)"', page)
    with Picture.open(BytesIO(base64.b64decode(found))) as picture:
        assert picture.format == "WEBP"


def test_staff_that_may_only_look_takes_nothing_down(folder: Path) -> None:
    image = an_image(0)
    looked = desk_of(clerk("view_image"))
    page = f"/admin/generations/image/{image.pk}"
    assert "Take it down" not in text_of(looked.get(f"{page}/change/"))
    assert looked.get(f"{page}/take-down/").status_code == 403
    assert looked.post(f"{page}/take-down/", {"reason": "x"}).status_code == 403
    assert not Takedown.objects.exists()


def test_records_cannot_be_edited_by_anybody(folder: Path, desk: Client) -> None:
    image = an_image(0)
    attempt = Attempt.objects.get()
    takedown = Takedown.objects.create(image=image, actor="staff:x", reason="x")
    alert = OperatorAlert.objects.create(
        shop=image.generation.organization.shop, kind="account", subject="x", body="x"
    )
    organization = image.generation.organization
    for place, row in {
        "generations/attempt": attempt,
        "generations/image": image,
        "generations/takedown": takedown,
        "accounts/operatoralert": alert,
        "accounts/organization": organization,
    }.items():
        assert desk.get(f"/admin/{place}/{row.pk}/change/").status_code == 200
        assert desk.post(f"/admin/{place}/{row.pk}/change/", {"reason": "y"}).status_code == 403
        assert desk.get(f"/admin/{place}/add/").status_code == 403
        assert desk.post(f"/admin/{place}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        sent = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        desk.post(f"/admin/{place}/", sent)
        assert type(row)._base_manager.filter(pk=row.pk).exists()


def test_attempts_are_found_by_task(folder: Path, desk: Client) -> None:
    an_image(0), an_image(0)
    attempt = Attempt.objects.latest("pk")
    page = text_of(desk.get("/admin/generations/attempt/", {"q": attempt.generation.task_id}))
    assert attempt.key in page
    assert Attempt.objects.earliest("pk").key not in page


def test_phrases_are_blocked_once(desk: Client) -> None:
    for phrase, status in (("Dark  Star", 302), ("dark star", 200), ("\u200b", 200), ("", 200)):
        assert desk.post("/admin/generations/blockedphrase/add/", {"phrase": phrase}).status_code == status
    assert [row.phrase for row in BlockedPhrase.objects.all()] == ["Dark Star"]


def test_paused_organization_is_resumed(desk: Client) -> None:
    organization = an_organization()
    suspend(organization, reason=conduct.REASON)
    place = "/admin/accounts/organization/"
    page = text_of(desk.get(place))
    assert "Paused by itself" in page
    assert f"{organization.name} was paused." in page
    do(desk_of(clerk("view_organization", "change_organization")), organization, "resume")
    organization.refresh_from_db()
    assert organization.suspended_at is not None
    done = do(desk, organization, "resume")
    assert f"{organization.name} may order again." in text_of(done)
    assert "was paused." not in text_of(done)
    resumed = Organization.objects.get(pk=organization.pk)
    assert (resumed.suspended_at, resumed.suspended_reason) == (None, "")
    do(desk, organization, "suspend")
    assert Organization.objects.get(pk=organization.pk).suspended_at is not None


def test_every_page_says_what_stands_still(desk: Client) -> None:
    refusing, failing = an_upstream(name="Refusing"), an_upstream(name="Failing")
    circuit.report(refusing.pk, OutcomeKind.ACCOUNT, "HTTP 402: <i>no balance</i>")
    for _ in range(circuit.FAILURES_BEFORE_OPENING):
        circuit.report(failing.pk, OutcomeKind.BUSY, "HTTP 500")
    for place in ("", "generations/attempt/", f"generations/upstream/{failing.pk}/change/"):
        page = desk.get(f"/admin/{place}")
        assert "Refusing refuses our account." in text_of(page)
        assert "<i>no balance</i>" not in page.content.decode()
        assert "Failing refuses" not in text_of(page)
    circuit.close(refusing.pk)
    assert "refuses our account" not in text_of(desk.get("/admin/generations/attempt/"))


def test_notices_cost_one_query(alice: object) -> None:
    upstream = an_upstream(name="Refusing")
    circuit.report(upstream.pk, OutcomeKind.ACCOUNT, "x")
    suspend(an_organization(), reason=conduct.REASON)
    suspend(an_organization())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = notices.notices()
    assert len(found) == 2
    assert len(queries) == 1
