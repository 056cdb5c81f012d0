"""A row of everything that the desk lists."""

from dataclasses import dataclass

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts import alerts, invitations, outbox, sealing
from accounts.access import access_of_user
from accounts.models import AlertKind, Role
from billing import vouchers
from billing.models import Payment, StripeEvent, Voucher
from generations import runner, takedown
from generations.lifecycle import submit
from generations.models import Alarm, BilledDay, BlockedPhrase, Generation, GpuWorker, Image
from tests.cast import Person, found, give_credits, new_key
from tests.makers import a_paid_payment, a_request, an_upstream
from webhooks.event_types import EVENT_TYPES
from webhooks.models import WebhookEndpoint
from webhooks.publishing import publish
from webhooks.secrets import new_secret


@dataclass(frozen=True, slots=True)
class Rows:
    customer: Person
    key_secret: str
    succeeded: Generation
    failed: Generation
    payment: Payment
    event: StripeEvent


def everything() -> Rows:
    dora = found("dora@desk.example", "Dora's Studio")
    organization, shop = dora.organization, dora.organization.shop
    give_credits(organization, 1000)
    _key, secret = new_key(dora, name="nightly")
    access = access_of_user(dora.user)
    succeeded = submit(access, a_request("a hill"), endpoint="test")
    runner.run(succeeded.pk)
    failed = submit(access, a_request("sandbox:failed a hill"), endpoint="test")
    runner.run(failed.pk)
    payment = a_paid_payment(organization)
    event = StripeEvent.objects.create(
        shop=shop,
        account=payment.account,
        event_id="evt_desk",
        type="checkout.session.completed",
        livemode=False,
        created=timezone.now(),
        payload={},
        payment=payment,
    )
    voucher = Voucher.objects.create(shop=shop, code="DESK-2026", credits=5)
    vouchers.redeem(organization, dora.user, voucher.code)
    invitations.invite(access, "emil@desk.example", Role.VIEWER)
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        livemode=True,
        url="https://dora.example/hooks",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    assert endpoint.pk
    publish(organization.pk, "credits.added", livemode=True, data={"credits": 1})
    takedown.take_down(Image.objects.get(generation=succeeded), actor="staff:desk", reason="a wish")
    BlockedPhrase.objects.create(shop=shop, phrase="nothing of this")
    alerts.raise_alert(shop.pk, AlertKind.ACCOUNT, "Something refuses", "Look at it.")
    Alarm.objects.create(shop=shop, condition="queue", subject="It waits", advice="Look.")
    GpuWorker.objects.create(name="desk cuda 1", device="A card", ready=True, seconds_per_megapixel=1.5)
    outbox.queue(shop.pk, dora.user.email, "Hello", "Hello")
    BilledDay.objects.create(upstream=an_upstream(), day="2026-01-02", amount_micros=5)
    LogEntry.objects.create(
        user=dora.user,
        content_type=ContentType.objects.get_for_model(Voucher),
        object_id=str(voucher.pk),
        object_repr=voucher.code,
        action_flag=CHANGE,
        change_message="Made.",
    )
    succeeded.refresh_from_db()
    failed.refresh_from_db()
    return Rows(dora, secret, succeeded, failed, payment, event)
