"""The life of each generation as rows: the order, its attempts, its images."""

import datetime
import json
import re
import secrets
import time
from typing import Any, Self, cast

from django.db import models
from django.db.models import Q
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from accounts.access import Access
from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import ApiKey, Organization, User
from accounts.statements import Select
from generations.models.sold import ImageModel
from generations.models.upstreams import Upstream

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def sortable_id() -> str:
    """48 bits of milliseconds, so that indexes grow at their end, and 80 bits of chance, so that nobody can guess.

    Nothing is read from those milliseconds, so a wrong clock costs a page of an index and no more.
    """
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def new_task_id() -> str:
    return f"task_{sortable_id()}"


def new_image_id() -> str:
    return f"img_{sortable_id()}"


class Status(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


OPEN = (Status.QUEUED, Status.RUNNING)
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


TASK_ID = re.compile(r"task_[0-9A-Z]{26}")


class GenerationQuerySet(models.QuerySet["Generation"]):
    def visible_to(self, access: Access) -> Self:
        """Of this organization and mode: test and live keys do not see each other's tasks."""
        return self.filter(organization=access.organization, livemode=access.livemode)

    def unended(self) -> Self:
        """Those in an OPEN status, by way of their index: searches among all rows start here."""
        return self.filter(finished_at=None)

    def of_request(self, request_id: str) -> Self:
        """Made by a request that was answered under this id; by their index."""
        return self.filter(request_id=request_id).exclude(request_id="")

    def newest_first(self) -> Self:
        # Abs keeps PostgreSQL from walking the primary key back, through everybody's orders, for one who has
        # many and none of late.
        return self.order_by(Abs("id").desc())


class Generation(models.Model):
    """One order. A `queued` row is the work item itself; `claim` is the fence against late workers.

    `price_credits` is for all `n` images. `seed` is what was drawn or asked for; `requested_seed` the text sent.
    `metadata_text` is the customer's own JSON, "" for none; `webhook_url` hears of this order's end.
    `awaited_try`: while a client has waited for the answer in vain, which of its tries was the latest to ask for this
    order, 0 being its first; null once it was answered, and where nobody waits.
    `request_id`: of the request that it was ordered by, as its answer told the client.

    Every order pays for every index, so there are few, and none on what changes while an order is open
    (docs/decisions/0009-few-indexes.md).
    """

    task_id = models.CharField(max_length=32, default=new_task_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="generations", db_index=False
    )
    key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.PROTECT, related_name="generations", db_index=False
    )
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    model = models.ForeignKey(ImageModel, on_delete=models.PROTECT, related_name="+", db_index=False)
    livemode = models.BooleanField()
    n = models.PositiveSmallIntegerField(default=1)
    price_credits = models.PositiveIntegerField()

    prompt = models.TextField()
    aspect_ratio = models.CharField(max_length=32, null=True)  # noqa: DJ001 - null and "" were different requests
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    requested_seed = models.CharField(max_length=10)
    seed = models.PositiveIntegerField(null=True)
    output_format = models.CharField(max_length=4)

    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0)
    error_type = models.CharField(max_length=40, blank=True)
    claim = models.PositiveIntegerField(default=0)
    submitted = models.BooleanField(default=False)
    rings = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    dispatch_after = models.DateTimeField()
    deadline_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=db_now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null: none was sent
    request_digest = models.CharField(max_length=64)
    metadata_text = models.TextField(blank=True, default="", db_default="")
    webhook_url = models.CharField(max_length=2048, blank=True, default="", db_default="")
    awaited_try = models.SmallIntegerField(null=True)
    request_id = models.CharField(max_length=128, blank=True, default="", db_default="")
    retry_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="retries", db_index=False
    )

    objects = GenerationQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            # Not unique=True, which brings a second index for LIKE on PostgreSQL.
            models.UniqueConstraint(fields=["task_id"], name="one_generation_per_task_id"),
            models.UniqueConstraint(
                fields=["organization", "livemode", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_generation_per_idempotency_key",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="generation_status_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=ENDED, finished_at__isnull=False)
                | Q(status__in=OPEN, finished_at=None),
                name="generation_ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(livemode=True, price_credits__gte=1) | Q(livemode=False, price_credits=0),
                name="generation_test_costs_nothing",
            ),
            models.CheckConstraint(condition=Q(n__gte=1, n__lte=4), name="generation_n_is_1_to_4"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="generation_progress_is_percent"),
        ]
        indexes = [
            models.Index("organization", "livemode", Abs("id"), name="generation_newest_first"),
            models.Index(fields=["deadline_at"], condition=Q(finished_at=None), name="generation_open"),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="generation_ended"
            ),
            models.Index(
                fields=["organization", "request_digest"],
                condition=Q(awaited_try__isnull=False),
                name="generation_awaited",
            ),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="generation_by_request"),
            models.Index(
                fields=["retry_of"], condition=Q(retry_of__isnull=False), name="generation_made_again"
            ),
        ]
        permissions = [
            ("retry_generation", _("Can make tasks again")),
            ("cancel_generation", _("Can cancel tasks")),
        ]

    def __str__(self) -> str:
        return self.task_id

    @classmethod
    def find(cls, access: Access, task_id: str, *, with_model: bool = False) -> "Generation":
        """Raises NotFound: an unknown task and somebody else's look the same."""
        if TASK_ID.fullmatch(task_id):  # a NUL or a novel never reaches the database
            find = _find_with_model if with_model else _find_visible
            known: list[Generation] = find(
                organization_id=access.organization.pk, livemode=access.livemode, task_id=task_id
            )
            if known:
                return known[0]
        raise NotFound

    @property
    def reference(self) -> str:
        """How the ledger names this generation."""
        return f"generation:{self.task_id}"

    @property
    def metadata(self) -> dict[str, Any]:
        return cast(dict[str, Any], json.loads(self.metadata_text)) if self.metadata_text else {}

    @property
    def size(self) -> str:
        return f"{self.width}*{self.height}"

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


_find_visible = Select(Generation.objects.filter)
_find_with_model = Select(Generation.objects.select_related("model").filter)


class Attempt(models.Model):
    """One call of an upstream for a generation. `outcome` is empty until it is known; `cost_micros` is ours.

    It outlives its generation when that was canceled or expired: as long as its outcome is empty the upstream may
    still be at work, so it takes up one of the upstream's places, and what it cost is booked once it is known.
    `possible_cost_micros` is what it costs if it is billed. `handle` is what the adapter needs to ask for it, and
    `poll_at` when to, null while nobody has to; `poll_token` is of whoever is asking. `sends`: how often it was sent.

    It is asked for `n` images, from `first_index` of its order's on. What it brought while others were still missing
    waits in `delivered`, as the fields of their Image rows to be (docs/decisions/0021-images-by-several-attempts.md).
    """

    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, related_name="attempts", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=40)
    upstream = models.ForeignKey(
        Upstream, null=True, on_delete=models.PROTECT, related_name="attempts", db_index=False
    )
    upstream_task_id = models.CharField(max_length=200, blank=True)
    handle = models.JSONField(null=True)
    submitted_at = models.DateTimeField(db_default=db_now())
    accepted_at = models.DateTimeField(null=True)
    poll_at = models.DateTimeField(null=True)
    poll_token = models.CharField(max_length=32, blank=True, default="", db_default="")
    polls = models.PositiveIntegerField(default=0, db_default=0)
    sends = models.PositiveSmallIntegerField(default=1, db_default=1)
    first_index = models.PositiveSmallIntegerField(default=0, db_default=0)
    n = models.PositiveSmallIntegerField(default=1, db_default=1)
    delivered = models.JSONField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    possible_cost_micros = models.BigIntegerField(default=0, db_default=0)
    cost_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "number"], name="one_attempt_per_number"),
            # An upstream that gives an id twice, or a look-up that errs, must not deliver one image to two orders.
            models.UniqueConstraint(
                fields=["upstream", "upstream_task_id"],
                condition=Q(upstream__isnull=False) & ~Q(upstream_task_id=""),
                name="one_attempt_per_task_upstream",
            ),
        ]
        indexes = [
            models.Index(
                fields=["poll_at"], condition=Q(upstream__isnull=False, outcome=""), name="attempt_open"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """The idempotency key towards the upstream."""
        return f"{self.generation.task_id}:{self.number}"


class Image(models.Model):
    """One delivered file. `storage_key` is its place in the image storage; `sha256` in hex. `provenance_text`: how our
    own GPU made it, as JSON (seed, steps, model, revision, libraries); "" where an upstream did.
    """

    public_id = models.CharField(max_length=32, default=new_image_id, editable=False)
    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, related_name="images", db_index=False
    )
    index = models.PositiveSmallIntegerField()
    storage_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=20)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    byte_size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    provenance_text = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=db_now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="one_image_per_public_id"),
            models.UniqueConstraint(fields=["generation", "index"], name="one_image_per_index"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(deleted_at=None), name="image_kept"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def provenance(self) -> dict[str, Any]:
        return cast(dict[str, Any], json.loads(self.provenance_text)) if self.provenance_text else {}

    @property
    def extension(self) -> str:
        return self.content_type.removeprefix("image/")

    def gone_at(self, days: int) -> datetime.datetime:
        """When the file was deleted, or will be, where files are kept for so many days (retention.py)."""
        return self.deleted_at or self.created_at + datetime.timedelta(days=days)

    def is_kept(self, now: datetime.datetime, days: int) -> bool:
        """Whether the file can still be had."""
        return now < self.gone_at(days)
