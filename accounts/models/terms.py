"""What people accepted, and when."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models.tenancy import Shop, User


class DocumentKind(models.TextChoices):
    TERMS = "terms", _("Terms of service")
    PRIVACY = "privacy", _("Privacy policy")


class Acceptance(models.Model):
    """That a person accepted this version of a shop's terms or privacy policy."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="acceptances")
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=DocumentKind)
    version = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "shop", "kind", "version"], name="one_acceptance_per_version"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=DocumentKind.values), name="acceptance_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"
