"""The audit log: who did what to which object, when, from where."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models.tenancy import Organization, Shop


class AuditAction(models.TextChoices):
    """Words are stored and exported: they may be added, never changed."""

    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Failed to sign in")
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere", _("Ended other sessions")
    PASSWORD_CHANGED = "password_changed", _("Changed the password")
    EMAIL_CHANGED = "email_changed", _("Changed the e-mail address")
    SECOND_FACTOR_ON = "second_factor_on", _("Switched a second factor on")
    SECOND_FACTOR_OFF = "second_factor_off", _("Switched a second factor off")
    RECOVERY_CODES_MADE = "recovery_codes_made", _("Made new recovery codes")
    PASSKEY_ADDED = "passkey_added", _("Added a passkey")
    PASSKEY_REMOVED = "passkey_removed", _("Removed a passkey")
    ACCOUNT_CONNECTED = "account_connected", _("Connected a social account")
    ACCOUNT_DISCONNECTED = "account_disconnected", _("Disconnected a social account")
    ORGANIZATION_CREATED = "organization_created", _("Founded the organization")
    ORGANIZATION_RENAMED = "organization_renamed", _("Renamed the organization")
    SETTINGS_CHANGED = "settings_changed", _("Changed settings")
    DELETION_ASKED = "deletion_asked", _("Asked for the organization to be deleted")
    DELETION_UNDONE = "deletion_undone", _("Took the deletion back")
    ORGANIZATION_CLOSED = "organization_closed", _("Deleted the organization")
    MEMBER_INVITED = "member_invited", _("Invited somebody")
    INVITATION_SENT_AGAIN = "invitation_sent_again", _("Sent an invitation again")
    INVITATION_REVOKED = "invitation_revoked", _("Took an invitation back")
    MEMBER_JOINED = "member_joined", _("Joined")
    ROLE_CHANGED = "role_changed", _("Changed a role")
    MEMBER_REMOVED = "member_removed", _("Removed a member")
    MEMBER_LEFT = "member_left", _("Left")
    KEY_CREATED = "key_created", _("Made a key")
    KEY_CHANGED = "key_changed", _("Changed a key")
    KEY_ROTATED = "key_rotated", _("Rotated a key")
    KEY_REVOKED = "key_revoked", _("Revoked a key")
    KEY_FROZEN = "key_frozen", _("Froze a key")
    WEBHOOK_CREATED = "webhook_created", _("Made a webhook endpoint")
    WEBHOOK_CHANGED = "webhook_changed", _("Changed a webhook endpoint")
    WEBHOOK_DELETED = "webhook_deleted", _("Deleted a webhook endpoint")
    WEBHOOK_DISABLED = "webhook_disabled", _("Switched a webhook endpoint off")
    WEBHOOK_SECRET_SHOWN = "webhook_secret_shown", _("Looked at a webhook secret")
    WEBHOOK_SECRET_ROTATED = "webhook_secret_rotated", _("Rotated a webhook secret")
    WEBHOOK_REPLAYED = "webhook_replayed", _("Sent webhooks again")
    BILLING_CHANGED = "billing_changed", _("Changed a billing setting")
    EXPORT_ASKED = "export_asked", _("Asked for an export")
    EXPORT_FETCHED = "export_fetched", _("Fetched an export")
    PERSON_ERASED = "person_erased", _("Was erased")
    SUSPENDED = "suspended", _("Suspended the organization")
    RESUMED = "resumed", _("Resumed the organization")
    LIMITS_CHANGED = "limits_changed", _("Changed limits")
    CREDITS_CHANGED = "credits_changed", _("Gave or took credits")
    IMAGE_TAKEN_DOWN = "image_taken_down", _("Took an image down")
    IMAGES_DELETED = "images_deleted", _("Deleted images")
    REFUNDED = "refunded", _("Gave money back")
    PAYMENT_SETTLED = "payment_settled", _("Settled a payment by hand")
    TASK_RETRIED = "task_retried", _("Made a task again")
    TASK_CANCELED = "task_canceled", _("Canceled a task")
    STAND_IN_BEGUN = "stand_in_begun", _("Began to look in as a member")
    STAND_IN_ENDED = "stand_in_ended", _("Ended looking in as a member")
    PERSON_SHUT_OUT = "person_shut_out", _("Shut somebody out")
    PERSON_LET_IN = "person_let_in", _("Let somebody in again")
    SHOP_OPENED = "shop_opened", _("Opened the shop")
    SHOP_SUSPENDED = "shop_suspended", _("Suspended the shop")
    SHOP_RESUMED = "shop_resumed", _("Resumed the shop")
    SHOP_CLOSING = "shop_closing", _("Began to close the shop")
    SHOP_KEPT = "shop_kept", _("Took the closing of the shop back")
    SHOP_EXPORTED = "shop_exported", _("Exported the shop")
    SHOP_CLOSED = "shop_closed", _("Closed the shop")


NOBODY = "nobody"  # that is known: the actor of what somebody did who was not signed in


class AuditEvent(models.Model):
    """Append-only, kept by the database (append_only.py); it holds ids and machine words alone, so that people can be
    erased from beside it.

    `actor` is `user:<uuid>`, `key:<id>`, `staff:<uuid>`, `system`, or NOBODY for whoever tried to sign in and was not
    let in; `subject` what it was done to, likewise, "" for the organization itself; `details` words and numbers by
    name, such as `{"from": "viewer", "to": "admin"}`. Without an organization it was done to the shop.
    """

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="audit_events"
    )
    actor = models.CharField(max_length=60)
    action = models.CharField(max_length=30, choices=AuditAction)
    subject = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("audited deed")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["organization", "-id"], name="audit_newest_first"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"


class AuditOrigin(models.Model):
    """Where it was done from, and in whose words: erasable, beside the event."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="origin")
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.address or ""
