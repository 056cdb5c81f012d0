"""What operators do about one task: have it made again at the shop's expense, or cancel it."""

from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.access import Access
from accounts.desk.deeds import Doer, Refused
from accounts.models import AuditAction
from accounts.standing import is_suspended
from billing import ledger, reads
from generations import content, lifecycle, storage
from generations.errors import AlreadyEnded
from generations.models import Generation, Status, price_now
from generations.request import RANDOM_SEED, ImageRequest
from webhooks.event_types import CREDITS_ADDED
from webhooks.publishing import publish

ENDPOINT = "retry"


class RetriedBefore(Refused):
    message = _("It was made again before; what became of that is another task. Nothing was ordered now.")


class CreditedBefore(Refused):
    message = _("Credits were given for it before. Nothing was given now.")


class PriceChanged(Refused):
    message = _("The price has just changed. Nothing was ordered; please try again.")


def retry_obstacle(generation: Generation) -> str:
    """Why it cannot be made again, in words; "" when it can."""
    organization = generation.organization
    if generation.status != Status.FAILED:
        return str(_("Only a failed task can be made again."))
    if not generation.livemode:
        return str(_("It was ordered by a test key, and cost nothing: whoever wants it sends it again."))
    if not generation.prompt:
        return str(_("Its prompt has been forgotten, as was wished for: nobody can make it again."))
    if organization.closing_at is not None:
        return str(_("Its organization is being deleted."))
    if is_suspended(organization):
        of_shop = _("Its shop is suspended; resume that first.")
        own = _("Its organization is suspended; resume it first.")
        return str(own if organization.suspended_at is not None else of_shop)
    return ""


def retry(generation: Generation, doer: Doer) -> Generation:
    """A new order for the same, after a grant of its price, so that it costs the customer nothing; once for each task,
    and whatever becomes of it may be tried again in turn. It counts against no key's limits.

    Raises Refused, ContentRejected, and what lifecycle.submit raises: then nothing was written.
    """
    obstacle = retry_obstacle(generation)
    if obstacle:
        raise Refused(obstacle)
    access = Access(
        organization=generation.organization,
        scopes=frozenset({"generate"}),
        actor=doer.actor,
        livemode=True,
        user=generation.user,
        origin=doer.origin,
    )
    request = _request_of(generation)
    # Rules may have changed; and a classifier may ask the network, so before anything is locked.
    content.refuse_unwanted(access, request)
    return _retry(generation, access, request, doer)


@transaction.atomic
def _retry(generation: Generation, access: Access, request: ImageRequest, doer: Doer) -> Generation:
    organization = access.organization
    # Of two at once the second waits here, and then finds the grant; no lock of the order itself is needed.
    _model_id, price = price_now(organization.shop_id, request.model)
    credits = price * generation.n
    granted = ledger.grant(
        organization.pk,
        credits,
        reference=f"retry:{generation.task_id}",
        actor=doer.actor,
        note=doer.reason,
    )
    if granted is None:
        raise RetriedBefore
    made = lifecycle.submit(access, request, endpoint=ENDPOINT, retry_of=generation)
    if made.price_credits != credits:
        raise PriceChanged
    subject = generation.task_id
    doer.record(organization, AuditAction.TASK_RETRIED, subject=subject, task=made.task_id, credits=credits)
    return made


@transaction.atomic
def credit(generation: Generation, credits: int, doer: Doer) -> None:
    """Goodwill for one task, once. Raises Refused."""
    organization = generation.organization
    reference = f"goodwill:{generation.task_id}"
    granted = ledger.grant(organization.pk, credits, reference=reference, actor=doer.actor, note=doer.reason)
    if granted is None:
        raise CreditedBefore
    doer.record(organization, AuditAction.CREDITS_CHANGED, subject=generation.task_id, credits=credits)
    told = reads.added(organization.pk, credits, kind="grant", reference=reference)
    publish(organization.pk, CREDITS_ADDED, livemode=True, data=told)


def _request_of(generation: Generation) -> ImageRequest:
    """As it was ordered. A seed that was drawn is drawn anew: it may be what failed."""
    return ImageRequest(
        prompt=generation.prompt,
        aspect_ratio=generation.aspect_ratio,
        width=generation.width,
        height=generation.height,
        seed=int(generation.requested_seed or RANDOM_SEED),
        seed_text=generation.requested_seed,
        output_format=generation.output_format,
        model=generation.model.slug,
        n=generation.n,
        metadata=generation.metadata,
        webhook_url=generation.webhook_url,
    )


def cancel(generation: Generation, doer: Doer) -> None:
    """Frees its hold. What its upstream makes of it all the same is at the shop's expense, and counts against nobody.
    Raises AlreadyEnded.
    """
    with transaction.atomic():
        lifecycle.cancel(generation, at_shops_expense=True)
        doer.record(generation.organization, AuditAction.TASK_CANCELED, subject=generation.task_id)
    with suppress(OSError):  # it is canceled all the same
        storage.delete_unsettled(generation.task_id, generation.claim)


def cancel_obstacle(generation: Generation) -> str:
    """Why it cannot be canceled, in words; "" when it can."""
    return str(AlreadyEnded.message) if generation.has_ended else ""
