"""What is sold: models with prices, and the life of each generation as rows."""

import datetime
import re
import secrets
import time
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from accounts import sealing
from accounts.access import Access
from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import ApiKey, Organization, Shop, User
from accounts.statements import Select
from generations.errors import NotOnSale

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


class ImageModel(models.Model):
    """A model that makes images. It has no price of its own: shops have."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class ModelPrice(models.Model):
    """What one image costs in a shop from a moment on; the newest that is valid counts."""

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="prices")
    model = models.ForeignKey(ImageModel, on_delete=models.PROTECT, related_name="prices")
    credits = models.PositiveIntegerField()
    valid_from = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "model", "valid_from"], name="one_price_at_a_time"),
            models.CheckConstraint(condition=Q(credits__gte=1), name="price_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.credits}"


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

    def newest_first(self) -> Self:
        # Abs keeps PostgreSQL from walking the primary key back, through everybody's orders, for one who has
        # many and none of late.
        return self.order_by(Abs("id").desc())


class Generation(models.Model):
    """One order. A `queued` row is the work item itself; `claim` is the fence against late workers.

    `price_credits` is for all `n` images. `seed` is what was drawn or asked for; `requested_seed` the text sent.

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
    retry_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="retries", db_index=False
    )

    objects = GenerationQuerySet.as_manager()

    class Meta:
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
        ]

    def __str__(self) -> str:
        return self.task_id

    @classmethod
    def find(cls, access: Access, task_id: str) -> "Generation":
        """Raises NotFound: an unknown task and somebody else's look the same."""
        if TASK_ID.fullmatch(task_id):  # a NUL or a novel never reaches the database
            known: list[Generation] = _find_visible(
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
    def size(self) -> str:
        return f"{self.width}*{self.height}"

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


_find_visible = Select(Generation.objects.filter)


class CostUnit(models.TextChoices):
    IMAGE = "image", _("an image")
    MEGAPIXEL = "megapixel", _("a megapixel")


class Upstream(models.Model):
    """A shop's account with a provider of images, as the operator set it up.

    Smaller `priority` goes first; among equals chance decides by `weight`. `concurrency` is how many of our orders it
    works on at once. `model_names`: our model's slug -> its name there. `sizes` as "1024x1024", none for every size
    from `min_side` to `max_side` pixels. `cost_micros` are millionths of the shop's currency.
    """

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="upstreams")
    name = models.CharField(_("name"), max_length=60)
    provider = models.CharField(_("provider"), max_length=40)
    base_url = models.CharField(_("base address"), max_length=300)
    sealed_credential = models.TextField(blank=True, editable=False)
    sealed_webhook_secret = models.TextField(blank=True, editable=False)
    model_names = models.JSONField(_("models"), default=dict)
    sizes = models.JSONField(_("sizes"), default=list, blank=True)
    min_side = models.PositiveSmallIntegerField(_("shortest side"), default=256)
    max_side = models.PositiveSmallIntegerField(_("longest side"), default=1536)
    priority = models.PositiveSmallIntegerField(_("priority"), default=10)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    concurrency = models.PositiveIntegerField(_("concurrency"), default=10)
    polls_per_second = models.PositiveIntegerField(_("questions a second"), null=True, blank=True)
    cost_micros = models.PositiveBigIntegerField(_("cost"), default=0)
    cost_unit = models.CharField(_("cost of"), max_length=9, choices=CostUnit, default=CostUnit.IMAGE)
    resends = models.BooleanField(_("may be sent again"), default=False)
    uses_webhooks = models.BooleanField(_("sends webhooks"), default=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("upstream")
        constraints = [
            models.UniqueConstraint(fields=["shop", "name"], name="one_upstream_per_name"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="upstream_weight_is_positive"),
            models.CheckConstraint(condition=Q(concurrency__gte=1), name="upstream_works_on_one_at_least"),
            models.CheckConstraint(
                condition=Q(polls_per_second=None) | Q(polls_per_second__gte=1), name="upstream_can_be_asked"
            ),
            models.CheckConstraint(
                condition=Q(min_side__lte=F("max_side")), name="upstream_sides_are_a_range"
            ),
            models.CheckConstraint(
                condition=Q(cost_unit__in=CostUnit.values), name="upstream_cost_unit_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """With its state, so that every upstream has one."""
        with transaction.atomic():
            super().save(**options)
            UpstreamState.objects.get_or_create(upstream=self)

    @property
    def credential(self) -> str:
        """Raises sealing.Unreadable."""
        return sealing.unseal(self.sealed_credential)

    @credential.setter
    def credential(self, text: str) -> None:
        self.sealed_credential = sealing.seal(text)

    @property
    def webhook_secret(self) -> str:
        """Raises sealing.Unreadable."""
        return sealing.unseal(self.sealed_webhook_secret)

    @webhook_secret.setter
    def webhook_secret(self, text: str) -> None:
        self.sealed_webhook_secret = sealing.seal(text)

    def makes(self, width: int, height: int) -> bool:
        """Whether it can do this size, in pixels."""
        if self.sizes:
            return f"{width}x{height}" in self.sizes
        return self.min_side <= min(width, height) and max(width, height) <= self.max_side

    def cost_of(self, width: int, height: int, n: int) -> int:
        """What `n` images of this size cost us, rounded up to a millionth."""
        if self.cost_unit == CostUnit.MEGAPIXEL:
            return -(-self.cost_micros * width * height * n // 1_000_000)
        return self.cost_micros * n


class UpstreamState(models.Model):
    """What all workers know of an upstream together: how many of our orders it has, and its circuit.

    `in_flight` counts its attempts without an outcome. The circuit is closed while `open_until` is null; once that time
    has passed, one order probes it, until `probe_until`. `openings` counts those without a success in between,
    `failures` the failures since the last. `paced_until`: the next question to it is due then.
    """

    upstream = models.OneToOneField(
        Upstream, primary_key=True, on_delete=models.CASCADE, related_name="state"
    )
    in_flight = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    openings = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    probe_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    paced_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(opened_at=None, open_until=None)
                | Q(opened_at__isnull=False, open_until__isnull=False),
                name="upstream_circuit_is_open_or_closed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.upstream)


class Attempt(models.Model):
    """One call of an upstream for a generation. `outcome` is empty until it is known; `cost_micros` is ours.

    It outlives its generation when that was canceled or expired: as long as its outcome is empty the upstream may
    still be at work, so it takes up one of the upstream's places, and what it cost is booked once it is known.
    `possible_cost_micros` is what it costs if it is billed. `handle` is what the adapter needs to ask for it, and
    `poll_at` when to, null while nobody has to; `poll_token` is of whoever is asking. `sends`: how often it was sent.
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
    """One delivered file. `storage_key` is its place in the image storage; `sha256` in hex."""

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
    def extension(self) -> str:
        return self.content_type.removeprefix("image/")

    @property
    def gone_at(self) -> datetime.datetime:
        """When the file was deleted, or will be."""
        return self.deleted_at or self.created_at + datetime.timedelta(days=settings.RETENTION_DAYS)

    def is_kept(self, now: datetime.datetime) -> bool:
        """Whether the file can still be had."""
        return now < self.gone_at


_valid_prices = Select(
    lambda shop_id, model_slug: (
        ModelPrice.objects.filter(
            shop_id=shop_id, model__slug=model_slug, model__active=True, valid_from__lte=db_now()
        )
        .order_by("-valid_from")
        .values_list("model_id", "credits")[:1]
    )
)


def price_now(shop_id: int, model_slug: str) -> tuple[int, int]:
    """(model id, credits an image). Raises NotOnSale."""
    for model_id, credits in _valid_prices(shop_id=shop_id, model_slug=model_slug):
        return model_id, credits
    raise NotOnSale


class PaidCancels(models.Model):
    """How many orders an organization canceled on a day that their upstream went on making, at the shop's expense."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "on"], name="paid_cancels_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.on}: {self.count}"


class BlockedPhrase(models.Model):
    """What the prompts of a shop's customers must not hold; how it is compared: content.py."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="blocked_phrases")
    phrase = models.CharField(_("phrase"), max_length=200)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("blocked phrase")
        constraints = [models.UniqueConstraint(fields=["shop", "phrase"], name="one_blocked_phrase_per_shop")]

    def __str__(self) -> str:
        return self.phrase


class Takedown(models.Model):
    """That an operator removed an image, and why. `actor` as `staff:<uuid>`; `reason` is theirs alone to read."""

    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="takedown")
    actor = models.CharField(max_length=60)
    reason = models.TextField(_("reason"))
    created_at = models.DateTimeField(db_default=db_now())
    file_removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=Q(file_removed_at=None), name="takedown_unfinished")
        ]

    def __str__(self) -> str:
        return str(self.image)


class AlertKind(models.TextChoices):
    ACCOUNT = "account", _("An upstream refuses our account")
    CONDUCT = "conduct", _("An organization was paused")


class OperatorAlert(models.Model):
    """What operators have to know at once; `sent_at` null until they were told, which is tried from `due_at` on."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=AlertKind)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=db_now())
    due_at = models.DateTimeField(db_default=db_now())
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("alert")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_is_known")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None), name="alert_unsent")]

    def __str__(self) -> str:
        return self.subject
