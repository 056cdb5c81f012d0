"""Invitations into organizations."""

import secrets

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.clock import db_now
from accounts.models.tenancy import Organization, Role, User


def new_invitation_id() -> str:
    return f"inv_{secrets.token_hex(12)}"


class Invitation(models.Model):
    """Bound to an address and used once. Only the digest of what the mail's link holds is stored: sending it again
    makes another, and the earlier link is void.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    public_id = models.CharField(max_length=28, unique=True, default=new_invitation_id, editable=False)
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    times_sent = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=db_now())
    sent_at = models.DateTimeField(db_default=db_now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_is_lower_case"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.public_id
