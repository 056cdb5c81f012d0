"""What a shop does not make or show."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from generations.models.orders import Image


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
