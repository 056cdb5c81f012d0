"""Operators: somebody has to be one, and each of them can do everything, so a password alone is little."""

from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts.models import ShopStaff, User
from config.doctor.findings import Finding, ok, warning

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def look() -> Iterator[Finding]:
    everywhere = User.objects.filter(is_active=True, erased_at=None)
    staff = everywhere.filter(is_staff=True)
    if not staff.exists():
        yield warning("nobody may enter the operators' desk.", "Run: manage.py createsuperuser")
        return
    protected = Authenticator.objects.filter(type__in=SECOND_FACTORS).values("user")
    at_desks = everywhere.filter(Q(is_staff=True) | Exists(ShopStaff.objects.filter(user=OuterRef("pk"))))
    bare = list(at_desks.exclude(pk__in=protected).order_by("pk").values_list("email", flat=True))
    if not bare:
        yield ok("every operator has a second factor.")
    elif settings.DEMO:
        yield ok("operators have no second factor, as in a demo.")
    else:
        yield warning(
            f"operators without a second factor: {', '.join(bare)}.",
            f"Let them set one up at {settings.PUBLIC_URL}/account/, or take away is_staff, or their role.",
        )
