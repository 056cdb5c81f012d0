"""`python -m tests.screenshots.filling`, in the settings of a running demo: a past for its organization, and somebody
new. Prints what to look at, as JSON.
"""

import dataclasses
import datetime
import json
import os
import sys
from typing import Any

import django

OWNER = "owner@demo.example"
NEWCOMER, BILLING = "new@studio.example", "billing@studio.example"
DAYS = 26
PROMPTS = (
    "A lighthouse at dusk, heavy sea, tintype photograph, the keeper's lamp just lit",
    "A fox asleep in fresh snow, seen from above",
    "An old tram in the rain, neon signs in the puddles",
    "Ein Leuchtturm bei Nebel, davor ein kleines Boot",
    "雪中的红狐狸, 清晨的阳光",
    "A cup of coffee on a wooden table, morning light",
)
RATIOS = ("1:1", "16:9", "3:4", "4:3", "9:16")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(fill()))


def fill() -> dict[str, Any]:
    """Paths by group: `public`, `member`, `newcomer`, and `still` by shop; `password` is that of all but the owner. By
    language and name: `errors`, as HTML, and `till`, addresses there.
    """
    from django.conf import settings

    from accounts.models import User
    from tests.cast import access_of_user
    from tests.passwords import PASSWORD
    from tests.screenshots import broken, paying, still

    owner = User.objects.get(email=OWNER)
    access = access_of_user(owner)
    orders = _orders(access)
    others = _people(access) | _programs(access)
    newcomer = ["/home/", "/playground/", "/gallery/"]
    newcomer += ["/usage/", "/keys/", "/webhooks/", "/credits/", "/team/", "/settings/", "/audit/"]
    languages = [code for code, _name in settings.LANGUAGES]
    till, came_back = paying.pages(access, languages)
    return {
        "member": [*orders, *others.values(), came_back],
        "newcomer": newcomer,
        "errors": broken.pages(languages),
        "till": till,
        "paths": _plain_paths(),
        "password": PASSWORD,
        "still": still.make(),
    }


def _plain_paths() -> list[str]:
    """Pages that need nothing in their address."""
    from tests.routes import routes
    from tests.test_every_page import NOT_PAGES

    paths = dict.fromkeys(route.pattern for route in routes() if not route.arguments)
    return [f"/{path}" for path in paths if not path.startswith((*NOT_PAGES, "sign-out"))]


def _orders(access: Any) -> list[str]:
    from generations import lifecycle
    from generations.models import ENDED, Generation, Image
    from generations.views.finding import in_sandbox
    from tests.cast import give_credits
    from tests.makers import a_request
    from tests.waiting import wait_until

    give_credits(access.organization, 5_000)
    counts = [1 + (day * 7) % 5 for day in range(DAYS)]
    made: list[tuple[int, Any]] = []
    for day, count in enumerate(counts):
        for number in range(count):
            steer = "sandbox:failed " if (day, number) in ((3, 1), (12, 0)) else ""
            request = a_request(
                steer + PROMPTS[(day + number) % len(PROMPTS)], aspect_ratio=RATIOS[(day + number) % 5]
            )
            made.append((DAYS - 1 - day, lifecycle.submit(access, request, endpoint="made")))
    several = lifecycle.submit(
        access, dataclasses.replace(a_request(PROMPTS[1], aspect_ratio="4:3"), n=3), endpoint="made"
    )
    refused = lifecycle.submit(access, a_request(f"sandbox:content_rejected {PROMPTS[2]}"), endpoint="made")
    tall = lifecycle.submit(access, a_request(PROMPTS[0], aspect_ratio="9:16"), endpoint="made")
    wide = lifecycle.submit(access, a_request(PROMPTS[0], aspect_ratio="16:9"), endpoint="made")
    free = lifecycle.submit(in_sandbox(access), a_request(PROMPTS[3], aspect_ratio="4:3"), endpoint="made")
    wait_until(lambda: not Generation.objects.exclude(status__in=ENDED).exists(), "the images", timeout_s=300)
    for days, order in made:
        back = datetime.timedelta(days=days)
        order.refresh_from_db()
        Generation.objects.filter(pk=order.pk).update(
            created_at=order.created_at - back,
            started_at=order.started_at and order.started_at - back,
            finished_at=order.finished_at - back,
        )
        for image in Image.objects.filter(generation=order):
            Image.objects.filter(pk=image.pk).update(created_at=image.created_at - back)
    watched = _one_at_work(wide)
    found = [f"/playground/{order.task_id}/" for order in (wide, tall, several, refused, free)]
    found += [f"/playground/{watched}/", f"/gallery/{wide.task_id}/", f"/gallery/{refused.task_id}/"]
    return [
        *found,
        f"/gallery/{several.task_id}/delete",
        "/gallery/?mode=test",
        "/gallery/?text=nothing+like+it",
    ]


def _one_at_work(like: Any) -> str:
    """An order that stands at 62 % for as long as somebody looks; free, so that nothing is held for it."""
    from accounts.clock import read_db_now
    from generations.models import Generation, Status, new_task_id

    later = read_db_now() + datetime.timedelta(days=1)
    order = Generation.objects.get(pk=like.pk)
    order.pk, order.task_id = None, new_task_id()
    order.livemode, order.price_credits = False, 0
    order.status, order.progress, order.finished_at = Status.RUNNING, 62, None
    order.lease_until = order.dispatch_after = order.deadline_at = later
    order.idempotency_key = None
    order.save(force_insert=True)
    return str(order.task_id)


def _people(access: Any) -> dict[str, str]:
    from allauth.account.models import EmailAddress

    from accounts import invitations
    from accounts.models import Role
    from tests.cast import found, join

    dora = join("dora@studio.example", access.organization, Role.DEVELOPER)
    billing = join(BILLING, access.organization, Role.BILLING)
    newcomer = found(NEWCOMER, "Harbour ⚓ Prints")
    for person in (dora, billing, newcomer):
        EmailAddress.objects.create(user=person.user, email=person.user.email, primary=True, verified=True)
    invitations.invite(access, "somebody.with.a.long.name@elsewhere.example", Role.VIEWER)
    return {"member": f"/team/{dora.user.uuid}/"}


def _programs(access: Any) -> dict[str, str]:
    from accounts import sealing
    from accounts.api_keys import create_api_key
    from tests.makers import a_paid_payment
    from webhooks.event_types import EVENT_TYPES
    from webhooks.models import WebhookDelivery, WebhookEndpoint
    from webhooks.publishing import publish
    from webhooks.secrets import new_secret

    key, _secret = create_api_key(
        access.organization, livemode=True, name="nightly catalogue", created_by=access.user
    )
    key.note_use("203.0.113.7")
    create_api_key(access.organization, livemode=False, name="laptop", created_by=access.user)
    a_paid_payment(access.organization)
    endpoint = WebhookEndpoint.objects.create(
        organization=access.organization,
        livemode=True,
        url="https://studio.example/hooks/tintype",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    publish(access.organization.pk, "credits.added", livemode=True, data={"credits": 1000})
    delivery = WebhookDelivery.objects.filter(endpoint=endpoint).first()
    paths = {"key": f"/keys/{key.public_id}/", "endpoint": f"/webhooks/{endpoint.public_id}/"}
    return paths | ({"delivery": f"/webhooks/deliveries/{delivery.public_id}/"} if delivery else {})


if __name__ == "__main__":
    main()
