"""An operator in a member's place."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models.tenancy import Organization, User


class StandIn(models.Model):
    """`operator` looks at `organization` as `user` sees it, until then at most (standing_in.py).

    `token`: what the operator's session knows it by. Who did so when, and why, is in the audit log for good.
    """

    token = models.UUIDField(unique=True)
    operator = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    begun_at = models.DateTimeField(db_default=db_now())
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["until"], condition=Q(ended_at=None), name="stand_in_open")]
        default_permissions = ()
        permissions = [("stand_in", _("Can look at the shop as a member sees it"))]

    def __str__(self) -> str:
        return f"{self.operator_id} as {self.user_id}"

    @property
    def operator_actor(self) -> str:
        """How append-only rows name the operator."""
        return f"staff:{self.operator.uuid}"
