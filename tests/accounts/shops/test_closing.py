"""A shop that closes is announced, exported and read anew before anything goes; killed anywhere, it goes on."""

import csv
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils.formats import date_format
from pytest_django import Settings

from accounts import hooks, sealing, shop_closing, shops
from accounts.models import AuditAction, AuditEvent, Organization, QueuedMail, Shop, ShopDomain, ShopStaff
from accounts.models.tenancy import UNDO_FOR
from accounts.privacy import closing
from billing import refunds
from billing.models import LedgerEntry, Payment, Refund
from config import shop_end, shop_export
from generations import lifecycle, runner
from generations.models import Generation, Image, Upstream
from tests.accounts.client import FOX, content
from tests.accounts.shops.steps import HARBOUR, change, customer_of, run, runs, send_at
from tests.cast import Person, give_credits, new_key
from tests.generations.kept_images import files, keep_images_in
from tests.makers import a_payment, a_request, ago, an_access, an_organization, an_upstream, books_are_right
from tests.operators import desk_of, do, operator
from tests.pages import text_of
from tests.several import a_shop, browser_at

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Nothing in the product catches this."""


@pytest.fixture(autouse=True)
def images(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path / "images", settings)
    settings.UNKNOWN_HOSTS = "refuse"
    return tmp_path / "images"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


@pytest.fixture
def dora(shop: Shop) -> Person:
    """With an image, a key and credits that are left."""
    dora = customer_of(shop)
    give_credits(dora.organization, 100)
    runner.run(lifecycle.submit(an_access(dora.organization), a_request("a portrait"), endpoint="test").pk)
    assert Image.objects.count() == 1
    return dora


def close(shop: Shop, folder: Path, *more: str) -> tuple[int, str]:
    found = run("close_shop", shop.slug, "--export", str(folder), *more)
    shops.forget()
    return found


def close_now(shop: Shop, folder: Path) -> str:
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert code == 0, said
    return said


def is_closed(shop: Shop) -> bool:
    return Shop.objects.get(pk=shop.pk).closed_at is not None


def test_members_are_told_and_have_fourteen_days(shop: Shop, dora: Person, folder: Path) -> None:
    code, said = close(shop, folder)
    assert (code, "its members may fetch what is theirs" in said) == (1, True)
    assert QueuedMail.objects.get(template="shop_closing").to == dora.user.email
    shop.refresh_from_db()
    assert shop.closes_at is not None
    day = date_format(shop.closes_at, "DATE_FORMAT")
    page = text_of(browser_at(HARBOUR, dora).get("/gallery/"))
    assert (
        f"Harbour Images closes. Keys are refused, and nothing can be ordered or bought. Until {day}" in page
    )
    assert "for the moment" not in page
    assert not (folder / shop.slug).exists()
    change(shop, closing_at=ago(UNDO_FOR.total_seconds() + 60))
    code, said = close(shop, folder, "--wait", "0")
    assert (code, is_closed(shop)) == (0, True), said
    assert QueuedMail.objects.filter(template="shop_closing").count() == 1


def test_visitors_read_that_it_closes_and_until_when(shop: Shop) -> None:
    shop_closing.begin(shop)
    shops.forget()
    assert shop.closes_at is not None
    day, visitor = date_format(shop.closes_at, "DATE_FORMAT"), browser_at(HARBOUR)
    for path, status in (("/", 200), ("/pricing/", 200), ("/sign-up/", 403)):
        page: Any = visitor.get(path)
        assert (page.status_code, f"fetch what is theirs until {day}" in text_of(page)) == (status, True), (
            path
        )
        assert "for the moment" not in text_of(page), path
        assert "and try it" not in text_of(page), path


def test_programs_read_that_it_closes_until_when_and_whom_to_ask(shop: Shop, dora: Person) -> None:
    _row, secret = new_key(dora)
    shop_closing.begin(shop)
    change(shop, support_email="help@harbour.example")
    assert shop.closes_at is not None
    until = f"Until {date_format(shop.closes_at, 'DATE_FORMAT')}, {shop.closes_at:%H:%M} (UTC) its members"
    for path in ("/api/v1/balance", "/v1/models"):
        answer = send_at(HARBOUR, "GET", path, key=secret, headers={"Accept-Language": "de"})
        error = content(answer)["error"]
        message = error.get("message") or content(answer)["message"]
        assert (answer.status_code, error.get("code") or error["type"]) == (403, "shop_suspended")
        assert message.startswith(f"This shop closes. {until}"), message
        assert message.endswith("write to help@harbour.example.")
    change(shop, support_email="")
    answer = send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX)
    assert content(answer)["message"].endswith("ask the operator of this shop.")
    page = browser_at(HARBOUR, dora).post("/credits/voucher/", {"code": "SPRING-2026"})
    assert (page.status_code, "for the moment" in text_of(page)) == (403, False)
    assert "<h1>This shop closes</h1>" in page.content.decode()
    assert until in text_of(page)
    # As it reads where it may open again.
    assert shop_closing.take_back(shop)
    change(shop, suspended_at=ago(1))
    answer = send_at(HARBOUR, "GET", "/api/v1/balance", key=secret)
    assert content(answer)["message"] == "This shop is closed for the moment"


def test_export_holds_the_shop_and_an_archive_of_each_organization(
    shop: Shop, dora: Person, folder: Path
) -> None:
    runs(shop)
    other = customer_of(shop, "erin@studio.example")
    close_now(shop, folder)
    target = folder / shop.slug
    told = json.loads((target / "shop.json").read_text())
    assert (told["shop"]["name"], told["domains"][0]["host"]) == ("Harbour Images", HARBOUR)
    assert told["staff"][0]["email"] == "olaf@harbour.example"
    assert (len(told["prices"]), len(told["packs"])) == (1, 3)
    names = {path.stem for path in (target / "organizations").iterdir()}
    assert names == {dora.organization.slug, other.organization.slug}
    with zipfile.ZipFile(target / "organizations" / f"{dora.organization.slug}.zip") as archive:
        assert json.loads(archive.read("members.json"))[0]["email"] == dora.user.email
        assert any(name.endswith(".jpeg") for name in archive.namelist())
    with (target / "ledger.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["grant", "hold", "capture"]
    assert {row["organization"] for row in rows} == {dora.organization.slug}
    assert {path.stat().st_mode & 0o077 for path in target.rglob("*")} <= {0, 0o77 & target.stat().st_mode}
    assert target.stat().st_mode & 0o077 == 0


def test_what_names_people_goes_and_the_books_stay(
    shop: Shop, dora: Person, folder: Path, images: Path
) -> None:
    entries = set(LedgerEntry.objects.values_list("pk", flat=True))
    close_now(shop, folder)
    organization = Organization.objects.get(pk=dora.organization.pk)
    assert (organization.closed_at is not None, organization.memberships.count()) == (True, 0)
    assert organization.slug.startswith("deleted-")
    assert not Image.objects.filter(deleted_at=None).exists()
    assert files(images) == 0
    assert set(LedgerEntry.objects.values_list("pk", flat=True)) > entries
    assert books_are_right()


def test_its_hosts_lead_nowhere_its_staff_lose_the_desk_and_secrets_are_forgotten(
    shop: Shop, dora: Person, folder: Path
) -> None:
    runs(shop)
    change(shop, sender_email=f"images@{HARBOUR}")
    upstream = an_upstream(credential="sk-secret", webhook_secret="whsec")
    Upstream.objects.filter(pk=upstream.pk).update(shop=shop)
    ours = an_upstream(credential="sk-ours")
    assert browser_at(HARBOUR).get("/").status_code == 200
    close_now(shop, folder)
    assert browser_at(HARBOUR).get("/").status_code == 421
    assert not ShopStaff.objects.filter(shop=shop).exists()
    assert not ShopDomain.objects.filter(shop=shop).exists()
    upstream.refresh_from_db()
    assert (upstream.enabled, upstream.sealed_credential, upstream.sealed_webhook_secret) == (False, "", "")
    ours.refresh_from_db()
    assert sealing.unseal(ours.sealed_credential) == "sk-ours"
    assert not shop.credit_packs.filter(is_active=True).exists()
    shop.refresh_from_db()
    assert shop.sender_email == "", "Its domain may be another shop's"
    again = a_shop("A new one", HARBOUR).shop
    assert shops.id_at(HARBOUR) == again.pk
    assert "sk-secret" not in (folder / shop.slug / "shop.json").read_text()


def test_other_shops_are_not_touched(shop: Shop, dora: Person, folder: Path) -> None:
    other = an_organization(100)
    close_now(shop, folder)
    other.refresh_from_db()
    assert (other.closing_at, other.memberships.count()) == (None, 1)


def test_open_tasks_end_first(
    shop: Shop, dora: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = lifecycle.submit(an_access(dora.organization), a_request("a fox"), endpoint="test")
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert (code, "1 tasks are still open" in said) == (1, True), said
    generation.refresh_from_db()
    assert generation.finished_at is None
    assert not (folder / shop.slug).exists()

    def a_worker(_seconds: float) -> None:
        runner.run(generation.pk)

    monkeypatch.setattr(time, "sleep", a_worker)
    code, said = close(shop, folder, "--now", "--wait", "60")
    assert code == 0, said
    generation.refresh_from_db()
    assert generation.status == "succeeded"
    kinds = LedgerEntry.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds).count("capture") == 2


def test_money_that_is_on_its_way_is_waited_for(shop: Shop, dora: Person, folder: Path) -> None:
    payment = a_payment(dora.organization, session_id="cs_1")
    idle = customer_of(shop, "erin@studio.example")
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert (code, f"of {dora.organization.slug} are still on their way" in said) == (1, True), said
    idle.organization.refresh_from_db()
    assert idle.organization.closed_at is not None
    assert not is_closed(shop)
    Payment.objects.filter(pk=payment.pk).update(status="expired")
    close_now(shop, folder)
    assert is_closed(shop)


def test_what_is_given_back_to_a_customer_who_is_closed_is_waited_for(
    shop: Shop, dora: Person, folder: Path
) -> None:
    payment = a_payment(dora.organization, session_id="cs_1", payment_intent_id="pi_1", status="paid")
    Payment.objects.filter(pk=payment.pk).update(charged_minor=payment.amount_minor)
    other = a_payment(customer_of(shop, "erin@studio.example").organization, session_id="cs_2")
    assert close(shop, folder, "--now", "--wait", "0")[0] == 1
    row = refunds.order(payment.pk, 1, actor="system")
    Payment.objects.filter(pk=other.pk).update(status="expired")
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert (code, f"1 refunds of {shop.slug} are on their way" in said) == (1, True), said
    assert not is_closed(shop)
    Refund.objects.filter(pk=row.pk).update(due_at=None)
    close_now(shop, folder)
    assert is_closed(shop)


# --- Killed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        (shop_closing, "record_of_shop"),
        (shop_end, "_let_open_tasks_end"),
        (shop_export, "_write_ledger"),
        (shop_export, "_write_archive"),
        (shop_export, "verify"),
        (shop_closing, "note_export"),
        (closing, "_part_with_people"),
        (closing, "_erase_origins"),
        (closing, "_blank"),
        (shop_closing, "finish"),
    ],
    ids=lambda step: step[1],
)
def test_killed_anywhere_it_goes_on_with_the_next_call(
    step: tuple[Any, str], shop: Shop, dora: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = step
    for before in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, dying(getattr(module, name), before=before))
            with pytest.raises(Killed):
                close(shop, folder, "--now", "--wait", "0")
    assert QueuedMail.objects.filter(template="shop_closing").count() <= 1
    close_now(shop, folder)
    assert is_closed(shop)
    digests = AuditEvent.objects.filter(action=AuditAction.SHOP_EXPORTED)
    assert [event.details["sha256"] for event in digests] == [shop_closing.digest_of_export(shop)]
    archive = folder / shop.slug / "organizations" / f"{dora.organization.slug}.zip"
    with zipfile.ZipFile(archive) as found:
        assert json.loads(found.read("members.json"))[0]["email"] == dora.user.email
    assert books_are_right()
    assert close(shop, folder)[1].strip() == f"{shop.slug} is closed."


def dying(step: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def die(*arguments: Any, **options: Any) -> Any:
        if not before:
            step(*arguments, **options)
        raise Killed

    return die


def test_it_goes_on_with_the_export_that_it_wrote_alone(
    shop: Shop, dora: Person, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(closing, "_part_with_people", dying(closing._part_with_people, before=True))
        with pytest.raises(Killed):
            close(shop, folder, "--now", "--wait", "0")
    code, said = close(shop, tmp_path / "elsewhere", "--now", "--wait", "0")
    assert (code, "holds no whole export" in said) == (1, True), said
    ledger = folder / shop.slug / "ledger.csv"
    text = ledger.read_bytes()
    ledger.write_bytes(text.replace(b"grant", b"Grant"))
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert (code, "is not what was written" in said) == (1, True), said
    assert Organization.objects.get(pk=dora.organization.pk).closed_at is None
    ledger.write_bytes(text)
    close_now(shop, folder)


def test_folder_that_holds_something_else_is_left_alone(shop: Shop, dora: Person, folder: Path) -> None:
    (folder / shop.slug).mkdir(parents=True)
    (folder / shop.slug / "letters.txt").write_text("dear all")
    code, said = close(shop, folder, "--now", "--wait", "0")
    assert (code, "holds no whole export" in said) == (1, True), said
    assert (folder / shop.slug / "letters.txt").read_text() == "dear all"


def test_two_at_once_do_not_write_into_each_other(shop: Shop, folder: Path) -> None:
    with shop_end._alone(folder, shop):
        code, said = close(shop, folder, "--now")
    assert (code, "already" in said) == (1, True), said


# --- Refused, and taken back ----------------------------------------------------------------------


def test_what_cannot_be_closed_is_refused_with_the_reason(folder: Path) -> None:
    assert "There is no shop 'none'" in run("close_shop", "none", "--export", str(folder))[1]
    assert "is the platform itself" in run("close_shop", shops.first_shop().slug, "--export", str(folder))[1]


def test_closing_is_begun_and_taken_back_at_the_desk(shop: Shop, dora: Person, folder: Path) -> None:
    desk = desk_of(operator())
    assert "is being closed" in text_of(do(desk, shop, "close"))
    shops.forget()
    assert shops.is_paused(shop.pk)
    assert "stays" in text_of(do(desk, shop, "keep"))
    shops.forget()
    assert not shops.is_paused(shop.pk)
    templates = list(QueuedMail.objects.order_by("pk").values_list("template", flat=True))
    assert templates == ["shop_closing", "shop_kept"]
    _row, _secret = new_key(dora)


def test_it_is_not_taken_back_once_the_export_is_written(shop: Shop, folder: Path) -> None:
    shop_closing.begin(shop)
    assert shop_closing.note_export(shop, "0" * 64)
    assert "goes to its end" in text_of(do(desk_of(operator()), shop, "keep"))
    assert Shop.objects.get(pk=shop.pk).closing_at is not None


def test_apps_above_hear_of_the_end_once(shop: Shop, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Shop] = []
    monkeypatch.setattr(hooks, "shop_closed", [heard.append])
    close_now(shop, folder)
    assert close(shop, folder)[0] == 0
    assert heard == [shop]
    assert Generation.objects.count() == 0
