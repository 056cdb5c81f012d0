"""A row of everything that the desk lists."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts import invitations, sealing
from accounts.access import access_of_user
from accounts.mail import alerts, outbox
from accounts.models import AlertKind, DoneFor, Role, Shop, User
from accounts.organizations import create_organization
from accounts.shops import first_shop
from billing import vouchers
from billing.models import CreditPack, Payment, StripeEvent, Voucher
from generations import runner, takedown
from generations.lifecycle import submit
from generations.models import (
    Affected,
    Alarm,
    BilledDay,
    BlockedPhrase,
    Generation,
    GpuWorker,
    Image,
    Incident,
    Sample,
)
from tests.cast import Person, give_credits, new_key
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


def everything(name: str = "dora", shop: Shop | None = None) -> Rows:
    """Of one shop, the first unless another is given; whatever has words has `name` in them."""
    shop, title = shop or first_shop(), name.capitalize()
    owner = User.objects.create(email=f"{name}@desk.example", password=make_password(None))
    organization = create_organization(shop, f"{title}'s Studio", owner)
    dora = Person(owner, organization)
    give_credits(organization, 1000)
    _key, secret = new_key(dora, name="nightly")
    access = access_of_user(dora.user, shop.pk)
    succeeded = submit(access, a_request(f"a hill of {name}"), endpoint="test")
    runner.run(succeeded.pk)
    failed = submit(access, a_request(f"sandbox:failed a hill of {name}"), endpoint="test")
    runner.run(failed.pk)
    payment = a_paid_payment(organization)
    event = StripeEvent.objects.create(
        shop=shop,
        account=payment.account,
        event_id=f"evt_{name}",
        type="checkout.session.completed",
        livemode=False,
        created=timezone.now(),
        payload={"of": name},
        payment=payment,
    )
    voucher = Voucher.objects.create(shop=shop, code=f"{name.upper()}-2026", credits=5)
    vouchers.redeem(organization, dora.user, voucher.code)
    CreditPack.objects.create(
        shop=shop, name=f"For {name}", credits=7, price_minor=700, currency=shop.currency
    )
    invitations.invite(access, f"emil-of-{name}@desk.example", Role.VIEWER)
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        livemode=True,
        url=f"https://{name}.example/hooks",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    assert endpoint.pk
    publish(organization.pk, "credits.added", livemode=True, data={"credits": 1})
    image = Image.objects.get(generation=succeeded)
    Sample.objects.create(shop=shop, image=image, name=f"sample{name}"[:24], caption=f"Of {name}", data=b"")
    takedown.take_down(image, actor="staff:desk", reason=f"a wish of {name}")
    BlockedPhrase.objects.create(shop=shop, phrase=f"nothing of {name}")
    alerts.raise_alert(shop.pk, AlertKind.ACCOUNT, f"Something refuses {name}", "Look at it.")
    Alarm.objects.create(shop=shop, condition=f"queue:{name}", subject=f"{title} waits", advice="Look.")
    GpuWorker.objects.get_or_create(
        name="desk cuda 1", defaults={"device": "A card", "ready": True, "seconds_per_megapixel": 1.5}
    )
    outbox.queue(shop.pk, dora.user.email, "Hello", "Hello")
    upstream = an_upstream(shop=shop, name=f"Upstream of {name}")
    BilledDay.objects.create(upstream=upstream, day="2026-01-02", amount_micros=5)
    Incident.objects.create(
        shop=shop,
        key=f"incident of {name}",
        name=f"Incident of {name}",
        since=timezone.now() - timedelta(hours=2),
        until=timezone.now() - timedelta(hours=1),
        affected=Affected.FAILED,
        actor="staff:desk",
    )
    entry = LogEntry.objects.create(
        user=dora.user,
        content_type=ContentType.objects.get_for_model(Voucher),
        object_id=str(voucher.pk),
        object_repr=voucher.code,
        action_flag=CHANGE,
        change_message="Made.",
    )
    DoneFor.objects.create(entry=entry, shop=shop)
    succeeded.refresh_from_db()
    failed.refresh_from_db()
    return Rows(dora, secret, succeeded, failed, payment, event)
