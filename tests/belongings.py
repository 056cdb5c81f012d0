"""All that an organization may have, with the ids by which addresses name it."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.utils.html import escape

from accounts import invitations, sealing
from accounts.access import Access
from accounts.models import DataExport, QueuedMail, Role
from generations import lifecycle, runner
from generations.models import Image
from tests.cast import Person, new_key
from tests.makers import a_paid_payment, a_payment, a_request
from webhooks.event_types import EVENT_TYPES
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.publishing import publish
from webhooks.secrets import new_secret


@dataclass(frozen=True, slots=True)
class Belongings:
    """`values` by the names that addresses give their arguments; `markers`: what no stranger may read. `invitation`:
    the path in its mail.
    """

    values: dict[str, Any]
    markers: set[str]
    session_id: str
    invitation: str
    image: Image


def belongings_of(person: Person, access: Access, tag: str) -> Belongings:
    """One of everything, in the organization that `access` is of. `tag`: a word for what has to be the only one."""
    organization, prompt = access.organization, f"a lighthouse that only {tag} knows of"
    key, _secret = new_key(person, name=f"{tag}'s own")
    generation = lifecycle.submit(access, a_request(prompt), endpoint="test")
    runner.run(generation.pk)
    waiting = lifecycle.submit(access, a_request(prompt), endpoint="test")
    image = Image.objects.get(generation=generation)
    invitation = invitations.invite(access, f"dora@{tag}.example", Role.VIEWER)
    path = QueuedMail.objects.filter(to=invitation.email).latest("pk").body.partition("/invitations/")[2]
    export = DataExport.objects.create(organization=organization, asked_by=person.user)
    passkey = Authenticator.objects.create(
        user=person.user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"}
    )
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        livemode=True,
        url=f"https://{tag}.example/hooks",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )
    publish(organization.pk, "credits.added", livemode=True, data={"credits": 1})
    delivery = WebhookDelivery.objects.get(organization=organization)
    session_id = f"cs_{tag}"
    paid, unpaid = a_paid_payment(organization), a_payment(organization, session_id=session_id)
    return Belongings(
        values={
            "task_id": waiting.task_id,
            "payment_id": paid.public_id,
            "name": f"{image.public_id}.jpeg",
            "number": 1,
            "person": person.user.uuid,
            "invitation_id": invitation.public_id,
            "export_id": export.public_id,
            "key_id": key.public_id,
            "pk": passkey.pk,
            "endpoint_id": endpoint.public_id,
            "delivery_id": delivery.public_id,
        },
        markers={
            generation.task_id,
            waiting.task_id,
            prompt,
            image.public_id,
            paid.public_id,
            unpaid.public_id,
            key.prefix,
            key.public_id,
            invitation.public_id,
            invitation.email,
            export.public_id,
            endpoint.public_id,
            endpoint.url,
            delivery.public_id,
            person.user.email,
            escape(organization.name),
            organization.slug,
        },
        session_id=session_id,
        invitation=f"/invitations/{path.split('/')[0]}/",
        image=image,
    )
