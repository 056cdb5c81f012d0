"""`python -m tests.browser.long_and_many`, in the settings of a running shop: somebody whose every name is as long as
it may be, without a space in it, and who has more images than a page holds. Prints a session of theirs, and where
these names are shown, as JSON.
"""

import json
import os
import sys
from typing import Any

import django

LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft"
NAME = LONG[:80]
EMAIL = f"{LONG[:60]}@{LONG[:60]}.{LONG[:60]}.example".lower()
GUEST = f"{LONG[:59]}2@{LONG[:60]}.{LONG[:60]}.example".lower()
MORE = 30
PAGES = (
    "/home/",
    "/playground/",
    "/gallery/",
    "/gallery/?mode=test",
    "/usage/",
    "/credits/",
    "/keys/",
    "/webhooks/",
    "/team/",
    "/team/leave/",
    "/audit/",
    "/settings/",
    "/settings/export/",
    "/account/",
    "/organizations/new/",
    "/admin/",
    "/admin/accounts/organization/",
    "/admin/accounts/user/",
    "/admin/accounts/membership/",
    "/admin/accounts/auditevent/",
    "/admin/webhooks/webhookendpoint/",
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(fill()))


def fill() -> dict[str, Any]:
    """`session`: the value of its cookie, of somebody who also works for the platform."""
    from django.test import Client

    from accounts import invitations, sealing
    from accounts.audit import record
    from accounts.models import AuditAction, Role, User
    from accounts.origin import Origin
    from generations import lifecycle
    from generations.models import ENDED, Generation
    from generations.request import MAX_PROMPT
    from generations.views.finding import in_sandbox
    from tests.cast import access_of_user, found, give_credits, join, new_key
    from tests.makers import a_request
    from tests.waiting import wait_until
    from webhooks.event_types import EVENT_TYPES
    from webhooks.models import WebhookEndpoint
    from webhooks.secrets import new_secret

    person = found(EMAIL, NAME)
    User.objects.filter(pk=person.user.pk).update(name=NAME, is_staff=True, is_superuser=True)
    other = join(GUEST, person.organization, Role.DEVELOPER)
    give_credits(person.organization, 100)
    access = access_of_user(person.user)
    prompt = (LONG * 20)[:MAX_PROMPT]
    made = lifecycle.submit(access, a_request(prompt), endpoint="made")
    failed = lifecycle.submit(access, a_request(f"sandbox:failed {prompt[:900]}"), endpoint="made")
    free = lifecycle.submit(in_sandbox(access), a_request(prompt), endpoint="made")
    mine = Generation.objects.filter(organization=person.organization)
    wait_until(lambda: not mine.exclude(status__in=ENDED).exists(), "the images", timeout_s=120)
    _multiply(free.pk)
    key, _secret = new_key(person, name=NAME)
    endpoint = WebhookEndpoint.objects.create(
        organization=person.organization,
        livemode=True,
        url=f"https://studio.example/{LONG * 10}",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    invitations.invite(access, f"new{GUEST}", Role.VIEWER)
    origin = Origin("2001:db8:1111:2222:3333:4444:5555:6666", LONG)
    record(
        person.organization,
        AuditAction.SIGNED_IN,
        actor=person.user.actor,
        origin=origin,
        note=NAME,
        what=LONG,
    )
    client = Client()
    client.force_login(person.user)
    task, lost = f"/gallery/{made.task_id}/", f"/gallery/{failed.task_id}/"
    paths = [*PAGES, task, f"{task}delete", lost, f"/playground/{made.task_id}/"]
    paths += [f"/playground/{failed.task_id}/", f"/team/{other.user.uuid}/"]
    paths += [f"/keys/{key.public_id}/", f"/webhooks/{endpoint.public_id}/"]
    paths += [f"/admin/accounts/organization/{person.organization.pk}/change/"]
    paths += [f"/admin/generations/generation/{made.pk}/change/"]
    return {"session": client.cookies["sessionid"].value, "paths": paths}


def _multiply(pk: int) -> None:
    """MORE of the free order: nothing was paid for it, so the books know of none."""
    from generations.models import Generation, Image, new_image_id, new_task_id

    order = Generation.objects.get(pk=pk)
    image = Image.objects.get(generation=order)
    for _number in range(MORE):
        order.pk, order.task_id, order.idempotency_key = None, new_task_id(), None
        order.save(force_insert=True)
        image.pk, image.public_id, image.generation = None, new_image_id(), order
        image.save(force_insert=True)


if __name__ == "__main__":
    main()
