"""What workers with a GPU say of themselves."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now


class GpuWorker(models.Model):
    """One process with one device, written by itself every few seconds and removed when it leaves. `ready`: it takes
    orders. `seconds_per_megapixel` is what it needed lately for one; null before anything was measured.
    """

    name = models.CharField(_("name"), max_length=200, primary_key=True)
    device = models.CharField(_("device"), max_length=200, blank=True, default="")
    ready = models.BooleanField(_("ready"), default=False)
    problem = models.CharField(_("problem"), max_length=500, blank=True, default="")
    seconds_per_megapixel = models.FloatField(null=True)
    images = models.PositiveBigIntegerField(_("images"), default=0)
    started_at = models.DateTimeField(db_default=db_now())
    seen_at = models.DateTimeField(_("seen"), db_default=db_now())

    class Meta:
        verbose_name = _("GPU worker")

    def __str__(self) -> str:
        return self.name
