"""What operators read on top of each of their pages: what stands still until they do something."""

from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.desk import Notice
from accounts.models import Organization
from generations import circuit, conduct, wholesale
from generations.models import Alarm, UpstreamState

AT_MOST = 10


def notices(shop_id: int | None = None) -> list[Notice]:
    """By one query, of a shop or of all: circuits that an upstream's refusal of our account keeps open, organizations
    that paused, and alarms.
    """
    of_upstream, of_shop = ({}, {}) if shop_id is None else ({"upstream__shop": shop_id}, {"shop": shop_id})
    refusing = (
        UpstreamState.objects.filter(opened_at__isnull=False, reason=circuit.ACCOUNT, **of_upstream)
        .annotate(what=Value("upstream", CharField()), key=Cast("pk", CharField()))
        .values_list("what", "key", "upstream__name", "detail")
    )
    paused = (
        Organization.objects.filter(suspended_at__isnull=False, suspended_reason=conduct.REASON, **of_shop)
        .annotate(what=Value("organization", CharField()), key=Cast("pk", CharField()))
        .values_list("what", "key", "name", "slug")
    )
    wrong = (
        Alarm.objects.filter(ended_at=None, **of_shop)
        .annotate(what=Value("alarm", CharField()), key=Cast("pk", CharField()))
        .values_list("what", "key", "subject", "advice")
    )
    rows = refusing.union(paused, wrong, all=True)[:AT_MOST]
    return [_notice(what, key, name, text) for what, key, name, text in rows]


def _notice(what: str, key: str, name: str, text: str) -> Notice:
    if what == "upstream":
        return Notice(
            _("%(name)s refuses our account.") % {"name": name},
            wholesale.advice_for(int(key))
            or _(
                "It said: %(detail)s. No orders go there. Look at the balance and the credential at the provider, then"
                " close its circuit here; it is also tried again by itself."
            )
            % {"detail": text or _("nothing more")},
            reverse("admin:generations_upstream_change", args=[key]),
        )
    if what == "alarm":
        return Notice(name, text, reverse("admin:generations_alarm_change", args=[key]))
    return Notice(
        _("%(name)s was paused.") % {"name": name},
        _(
            "Upstreams refused too many of its prompts within an hour. Talk to the customer, then resume it here."
        ),
        reverse("admin:accounts_organization_change", args=[key]),
    )
