"""When its time has come an organization is blanked: people and what they made go, ids and amounts stay."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts import audit, hooks
from accounts.access import Access
from accounts.errors import NotFound
from accounts.models import (
    ApiKey,
    AuditAction,
    AuditEvent,
    AuditOrigin,
    DataExport,
    Invitation,
    Membership,
    Organization,
)
from accounts.organizations import suspend
from accounts.origin import Origin
from accounts.privacy import closing, exports
from accounts.roles import Right
from billing import ledger
from billing.models import EntryNote, LedgerEntry, Payment, PaymentStatus, StripeEvent
from billing.payments import apply, begin
from generations.models import Attempt, Generation, Image
from tests.accounts.privacy.steps import DAY_S, access_of, acts, an_image_of, let_time_pass, now
from tests.cast import Person, new_key
from tests.generations.kept_images import files
from tests.makers import (
    a_generation,
    a_paid_payment,
    a_payment,
    ago,
    an_access,
    books_are_right,
    new_reference,
    that_is_paid,
    wallet_of,
)
from tests.operators import operator
from tests.pages import browser_of

pytestmark = pytest.mark.django_db


def let_it_be_due(person: Person, days: float = 14.01) -> None:
    assert closing.ask(access_of(person))
    let_time_pass(person.organization, days)


def fill(person: Person) -> ApiKey:
    """With a bit of everything that a closed one must not have any more."""
    organization = person.organization
    image = an_image_of(person, "a portrait of my neighbour")
    Attempt.objects.update(detail="rejected: a portrait of my neighbour", handle={"prompt": "my neighbour"})
    Generation.objects.update(
        metadata_text='{"of": "my neighbour"}', webhook_url="https://neighbour.example/"
    )
    key, _secret = new_key(person, name="Neighbour's key", allowed_addresses=["192.0.2.0/24"])
    ApiKey.objects.filter(pk=key.pk).update(last_used_address="192.0.2.9")
    payment = a_paid_payment(organization)
    Payment.objects.filter(pk=payment.pk).update(card="Visa 4242", payment_method_id="pm_1")
    StripeEvent.objects.create(
        shop=organization.shop,
        account=payment.account,
        event_id="evt_1",
        type="checkout.session.completed",
        livemode=False,
        created=payment.created_at,
        payload={"data": {"object": {"id": "cs_1", "customer_email": "neighbour@home.example"}}},
        payment=payment,
        processed_at=payment.created_at,
    )
    ledger.grant(organization.pk, 5, reference=new_reference(), actor="system", note="for the neighbour")
    audit.record(
        organization,
        AuditAction.SIGNED_IN,
        actor=person.user.actor,
        origin=Origin("192.0.2.9", "The neighbour's browser"),
        note="neighbour@home.example",
    )
    Invitation.objects.create(
        organization=organization,
        email="neighbour@home.example",
        role="viewer",
        digest="d" * 64,
        expires_at=ago(-60),
    )
    exports.ask(access_of(person))
    assert exports.make_due() == 1
    assert image.storage_key
    return key


def everything_in_the_database() -> str:
    """A line for every row of every table."""
    texts = []
    for model in apps.get_models():
        for row in model._default_manager.all().values():
            texts.append(f"{model.__name__} {row}")
    return "\n".join(texts)


def test_nothing_is_left_that_names_people_or_shows_what_they_made(alice: Person, folder: Path) -> None:
    key = fill(alice)
    assert "neighbour" in everything_in_the_database()
    assert files(folder) > 1
    let_it_be_due(alice)
    assert closing.close_due() == 1

    organization = now(alice.organization)
    assert organization.closed_at is not None
    assert organization.name.startswith("Deleted organization ")
    assert organization.slug.startswith("deleted-")
    text = everything_in_the_database().replace(alice.user.email, "").lower()
    for gone in ("neighbour", "192.0.2.", "studio", "visa", "pm_1"):
        found = [line[:300] for line in text.splitlines() if gone in line and "queuedmail" not in line]
        assert found == [], gone
    assert files(folder) == 0
    assert not Membership.objects.filter(organization=organization).exists()
    assert not DataExport.objects.exists()
    assert not AuditOrigin.objects.exists()
    assert not EntryNote.objects.exists()
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert key.prefix.startswith("tt_live_")
    generation = Generation.objects.get()
    assert (generation.prompt, generation.request_digest, generation.idempotency_key, generation.user) == (
        "", "", None, None,
    )  # fmt: skip
    assert (generation.metadata, generation.webhook_url) == ({}, "")
    assert Image.objects.get().deleted_at is not None


def test_what_the_law_wants_kept_is_kept(alice: Person) -> None:
    fill(alice)
    before = list(LedgerEntry.objects.order_by("pk").values())
    payment = Payment.objects.values("public_id", "amount_minor", "charged_minor", "payment_intent_id").get()
    let_it_be_due(alice)
    assert closing.close_due() == 1
    *entries, taken = LedgerEntry.objects.order_by("pk").values()
    assert entries == before
    assert (taken["kind"], taken["reference"]) == ("take", f"closing:{alice.organization.pk}")
    assert wallet_of(alice.organization) == (0, 0, 0, 0)
    assert Payment.objects.values(*payment).get() == payment
    assert acts(alice.organization)[-1] == ("system", "organization_closed")
    assert AuditEvent.objects.filter(actor=alice.user.actor).exists()
    assert books_are_right()


def test_nobody_gets_in_any_more(alice: Person) -> None:
    let_it_be_due(alice)
    closing.close_due()
    with pytest.raises(NotFound):
        access_of(alice)
    assert "No organization yet" in browser_of(alice).get("/playground/").content.decode()


def test_before_its_time_nothing_is_blanked(alice: Person) -> None:
    let_it_be_due(alice, days=13.99)
    assert closing.close_due() == 0
    assert now(alice.organization).name == "Alice's Studio"
    assert Membership.objects.filter(organization=alice.organization).exists()


def test_others_are_left_alone(alice: Person, charlie: Person) -> None:
    image = an_image_of(charlie)
    let_it_be_due(alice)
    assert closing.close_due() == 1
    assert now(charlie.organization).closed_at is None
    image.refresh_from_db()
    assert (image.deleted_at, image.generation.prompt) == (None, "a lighthouse")
    assert wallet_of(charlie.organization)[0] == 1485


def test_closing_twice_is_closing_once(alice: Person) -> None:
    let_it_be_due(alice)
    assert closing.close_due() == 1
    name = now(alice.organization).name
    assert closing.close_due() == 0
    assert not closing.close(alice.organization)
    assert now(alice.organization).name == name


@pytest.mark.parametrize("after", range(4))
def test_one_that_broke_off_is_gone_on_with(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Killed after so many of the apps have blanked theirs, and half-way through the next."""

    class Killed(BaseException):
        pass

    def kill(_organization: Organization) -> Iterator[None]:
        yield
        raise Killed

    fill(alice)
    let_it_be_due(alice)
    usual = list(hooks.organization_blanked)
    if after <= len(usual):
        monkeypatch.setattr(hooks, "organization_blanked", [*usual[:after], kill, *usual[after:]])
    else:
        monkeypatch.setattr(closing, "_erase_origins", lambda organization: list(kill(organization)))
    with pytest.raises(Killed):
        closing.close_due()
    assert not closing.undo(closing_access(alice)), "It is too late"
    monkeypatch.undo()
    assert closing.close_due() == 1
    assert files(folder) == 0
    assert "neighbour" not in everything_in_the_database()
    assert wallet_of(alice.organization)[0] == 0
    assert books_are_right()


def closing_access(person: Person) -> Access:
    """As an owner's request has it that began before everybody was parted with."""
    return Access(
        organization=now(person.organization),
        scopes=frozenset(),
        actor=person.user.actor,
        livemode=True,
        user=person.user,
        rights=frozenset({Right.OWNERSHIP}),
    )


def test_a_storage_that_is_away_delays_it(alice: Person, folder: Path) -> None:
    image = an_image_of(alice)
    let_it_be_due(alice)
    path = folder / image.storage_key
    content = path.read_bytes()
    path.unlink()
    (path / "something").mkdir(parents=True)  # a full folder in its place: refused, even to root
    assert closing.close_due() == 0
    assert now(alice.organization).closed_at is None
    (path / "something").rmdir()
    path.rmdir()
    path.write_bytes(content)
    assert closing.close_due() == 1
    assert files(folder) == 0


def test_open_orders_are_canceled_before(alice: Person) -> None:
    """Also one that was accepted at the very moment of the asking."""
    let_it_be_due(alice)
    late = a_generation(an_access(alice.organization))
    assert closing.close_due() == 1
    late.refresh_from_db()
    assert (late.status, late.prompt) == ("canceled", "")
    assert books_are_right()


def test_money_on_its_way_is_waited_for(alice: Person) -> None:
    payment = a_payment(alice.organization, session_id="cs_slow")
    let_it_be_due(alice)
    assert closing.close_due() == 0
    apply(begin(payment.pk), that_is_paid(payment))
    assert closing.close_due() == 1
    assert wallet_of(alice.organization)[0] == 0
    assert books_are_right()


def test_money_that_never_comes_is_not_waited_for(alice: Person) -> None:
    payment = a_payment(alice.organization, session_id="cs_never")
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.PROCESSING, created_at=ago(61 * DAY_S))
    let_it_be_due(alice)
    assert closing.close_due() == 1


def test_what_stripe_tells_later_is_still_booked(alice: Person) -> None:
    payment = a_paid_payment(alice.organization)
    let_it_be_due(alice)
    assert closing.close_due() == 1
    facts = that_is_paid(payment, disputed_minor=1000, card="Visa 4242")
    assert apply(begin(payment.pk), facts).card == "", "It would tell whose it was"
    assert wallet_of(alice.organization)[2] == 1000
    assert books_are_right()


def test_a_debt_stays_a_debt(alice: Person) -> None:
    ledger.claw_back(alice.organization.pk, 2000, value_micros=0, reference=new_reference(), actor="system")
    let_it_be_due(alice)
    assert closing.close_due() == 1
    assert wallet_of(alice.organization)[2] == 500
    assert books_are_right()


def test_one_that_cannot_be_closed_stops_no_other(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    let_it_be_due(alice)
    let_it_be_due(charlie)

    def stumble(organization: Organization) -> bool:
        if organization.pk == alice.organization.pk:
            raise RuntimeError("a bug")
        return True

    monkeypatch.setattr(hooks, "organization_closing", [*hooks.organization_closing, stumble])
    assert closing.close_due() == 1
    assert now(alice.organization).closed_at is None
    assert now(charlie.organization).closed_at is not None
    assert "it is tried again" in caplog.text


def test_the_desks_log_forgets_its_name(alice: Person) -> None:
    suspend(alice.organization)
    LogEntry.objects.create(
        user=operator("staff@shop.example"),
        content_type=ContentType.objects.get_for_model(Organization),
        object_id=str(alice.organization.pk),
        object_repr="Alice's Studio",
        action_flag=2,
    )
    let_it_be_due(alice)
    closing.close_due()
    assert LogEntry.objects.get().object_repr == now(alice.organization).name
