"""Who: shops, people, and the organizations they belong to."""

import datetime
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now

UNDO_FOR = datetime.timedelta(days=14)  # the deletion of an organization, the closing of a shop
LIMITS_ARE_POSITIVE = (Q(rate_per_minute=None) | Q(rate_per_minute__gte=1)) & (
    Q(burst=None) | Q(burst__gte=1)
)


class SignUp(models.TextChoices):
    OPEN = "open", _("Everybody")
    INVITATION = "invitation", _("Whoever was invited")
    CLOSED = "closed", _("Nobody")


class Shop(models.Model):
    """A reseller's brand. One row is made at the first start; what a brand is made of lives here.

    Members accept each version of its terms and its privacy policy once (terms.py); without a version nobody is asked.
    `promise`: what it says of itself, "" for the product's own words. `logo`: the name of its picture (logos.py), ""
    for the plate that the product draws; `logo_has_name`: the picture shows the name already.

    What is empty or None of `sender_email`, `sign_up` and the limits is as the settings say, and of the first shop
    `welcome_credits` as well; another gives none until it says so. No `languages` are all of them, and the first is for
    visitors whose browser asks for none of these. While it is suspended nothing new is made or bought; once it is
    closed, its hosts lead nowhere.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80, default="Tintype")
    accent = models.CharField(_("accent"), max_length=7, default="#a8470a", help_text=_("Colour as #rrggbb"))
    currency = models.CharField(_("currency"), max_length=3, default="usd")
    promise = models.CharField(_("promise"), max_length=200, blank=True, default="", db_default="")
    logo = models.CharField(max_length=24, blank=True, default="", db_default="", editable=False)
    logo_has_name = models.BooleanField(_("the logo shows the name"), default=False, db_default=False)
    imprint_url = models.CharField(
        _("address of the imprint"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        validators=[URLValidator(["https", "http"])],
    )
    support_email = models.EmailField(
        _("e-mail for support"), max_length=254, blank=True, default="", db_default=""
    )
    terms_version = models.CharField(
        _("version of the terms"), max_length=40, blank=True, default="", db_default=""
    )
    terms_url = models.CharField(
        _("address of the terms"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        validators=[URLValidator(["https", "http"])],
    )
    privacy_version = models.CharField(
        _("version of the privacy policy"), max_length=40, blank=True, default="", db_default=""
    )
    privacy_url = models.CharField(
        _("address of the privacy policy"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        validators=[URLValidator(["https", "http"])],
    )
    landing_text = models.TextField(
        _("text on the landing page"), max_length=2000, blank=True, default="", db_default=""
    )
    sender_email = models.EmailField(
        _("sender of its mails"), max_length=254, blank=True, default="", db_default=""
    )
    languages = models.JSONField(
        _("languages"), default=list, blank=True, db_default=models.Value([], models.JSONField())
    )
    sign_up = models.CharField(
        _("who may sign up"), max_length=10, choices=SignUp, blank=True, default="", db_default=""
    )
    sign_up_domains = models.JSONField(
        _("e-mail domains that may sign up"),
        default=list,
        blank=True,
        db_default=models.Value([], models.JSONField()),
    )
    welcome_credits = models.PositiveIntegerField(_("welcome credits"), null=True, blank=True)
    rate_per_minute = models.PositiveIntegerField(_("orders a minute"), null=True, blank=True)
    burst = models.PositiveIntegerField(_("orders at once"), null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    closing_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=LIMITS_ARE_POSITIVE, name="shop_limits_are_positive"),
            models.CheckConstraint(
                condition=Q(sign_up__in=["", *SignUp.values]), name="shop_sign_up_is_known"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closing_at__isnull=False), name="shop_closes_in_steps"
            ),
            models.CheckConstraint(
                condition=Q(accent__regex=r"^#[0-9a-fA-F]{6}$"), name="shop_accent_is_a_colour"
            ),
            models.CheckConstraint(
                condition=(Q(terms_version="") | ~Q(terms_url=""))
                & (Q(privacy_version="") | ~Q(privacy_url="")),
                name="shop_shows_what_it_asks_to_accept",
            ),
        ]
        permissions = [("suspend_shop", _("Can suspend, resume and close shops"))]

    def __str__(self) -> str:
        return self.name

    @property
    def closes_at(self) -> datetime.datetime | None:
        """Until when its members may fetch what is theirs; None while nobody closes it."""
        return None if self.closing_at is None else self.closing_at + UNDO_FOR


class ShopDomain(models.Model):
    """A host name that leads to a shop, as hosts.clean_host writes it. Links begin with the primary one of a shop.

    While `active` is off the name leads nowhere, and belongs to the shop all the same.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="domains")
    host = models.CharField(_("host name"), max_length=253, unique=True)
    is_primary = models.BooleanField(_("links begin with it"), default=False)
    active = models.BooleanField(_("leads to the shop"), default=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        constraints = [
            models.CheckConstraint(condition=Q(host=Lower("host")), name="domain_host_is_lower_case"),
            models.UniqueConstraint(
                fields=["shop"], condition=Q(is_primary=True), name="one_primary_domain_per_shop"
            ),
        ]

    def __str__(self) -> str:
        return self.host


class ShopLogo(models.Model):
    """The picture of a shop's logo, a PNG, at an address with its `name` in it. A row, and no file: every process that
    serves pages needs it, and backups have it.
    """

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, primary_key=True, related_name="+")
    name = models.CharField(max_length=24)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """`password` None: the person cannot sign in until one is set."""
        user = self.model(email=self.clean_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.clean_email(username or ""))

    @staticmethod
    def clean_email(email: str) -> str:
        return email.strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail. Append-only rows name people by `uuid` alone, so a person can be blanked.

    `email_confirmed_at`: when they showed that the address is theirs; null for those whom an operator entered.
    `language`: what mail to them is written in, a code of settings.LANGUAGES; "" until it is known, then the shop's.
    `erased_at`: when they were blanked; nobody signs in as them any more. `desk_role`: what they are at the desk of the
    shop that this request asks (staff.py), no column.
    """

    desk_role: str | None = None

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=80, blank=True, default="", db_default="")
    email_confirmed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(db_default=db_now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions = [("help_user", _("Can shut people out, let them in, and take second factors away"))]
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def actor(self) -> str:
        """How append-only rows name this person."""
        return f"user:{self.uuid}"

    def reads(self, language: str) -> None:
        """Mail to them is in `language` from now on."""
        if language != self.language:
            type(self).objects.filter(pk=self.pk).update(language=language)
            self.language = language


class Organization(models.Model):
    """A customer of one shop; what it owns hangs off this row. Its limits for creating, None: the settings.

    `slug`: its short name among those of its shop; two shops know nothing of each other's.

    `closing_at`: its deletion was asked for then, its keys have stopped; it can be undone until it is closed.
    `closed_at`: its rows were blanked. `retention_days`: how long its images and prompts are kept, None: the setting.
    """

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="organizations")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=20, blank=True, default="", db_default="")
    resumed_at = models.DateTimeField(null=True, blank=True)
    closing_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    rate_per_minute = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.UniqueConstraint(fields=["shop", "slug"], name="one_slug_per_shop"),
            models.CheckConstraint(condition=LIMITS_ARE_POSITIVE, name="organization_limits_are_positive"),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closing_at__isnull=False), name="organization_closes_in_steps"
            ),
        ]
        indexes = [
            models.Index(
                fields=["closing_at"],
                condition=Q(closing_at__isnull=False, closed_at=None),
                name="organization_closing",
            ),
        ]
        permissions = [("suspend_organization", _("Can suspend and resume organizations"))]

    def __str__(self) -> str:
        return self.name

    @property
    def closes_at(self) -> datetime.datetime | None:
        """Until when its deletion can be undone; None while nobody has asked for it."""
        return None if self.closing_at is None else self.closing_at + UNDO_FOR


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    DEVELOPER = "developer", _("Developer")
    BILLING = "billing", _("Billing")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_person"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"


class StaffRole(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    SUPPORT = "support", _("Support")
    FINANCE = "finance", _("Finance")


class ShopStaff(models.Model):
    """Somebody who works at the desk of one shop. `User.is_staff` is the platform's own staff, who see all of them."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="staff")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="desks")
    role = models.CharField(_("role"), max_length=10, choices=StaffRole)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("member of the staff")
        verbose_name_plural = _("staff")
        constraints = [
            models.UniqueConstraint(fields=["shop", "user"], name="one_desk_per_person_and_shop"),
            models.CheckConstraint(condition=Q(role__in=StaffRole.values), name="staff_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"
