"""What operators have to know at once, by e-mail: each once, and again only while the mail cannot be sent."""

import datetime
import logging

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F

from accounts.clock import db_now
from generations.models import AlertKind, OperatorAlert

logger = logging.getLogger(__name__)

AT_ONCE = 20
HOLD_S = 120  # by whoever sends it; one that dies over it leaves it to the next
LONGEST_PAUSE_S = 1800


def raise_alert(shop_id: int, kind: AlertKind, subject: str, body: str) -> None:
    """Inside the transaction of what it tells of, so that it is told exactly if that happened."""
    OperatorAlert.objects.create(
        shop_id=shop_id, kind=kind, subject=" ".join(subject.split())[:200], body=body
    )


def send_due() -> int:
    """How many were sent. Without an address they stand in the log and in the admin."""
    due = OperatorAlert.objects.filter(sent_at=None, due_at__lte=db_now()).order_by("pk")
    return sum(_send(alert) for alert in due[:AT_ONCE])


def _send(alert: OperatorAlert) -> bool:
    mine = OperatorAlert.objects.filter(pk=alert.pk, sent_at=None, tries=alert.tries)
    hold = datetime.timedelta(seconds=HOLD_S)
    if not mine.update(tries=F("tries") + 1, due_at=db_now() + hold):
        return False
    ours = OperatorAlert.objects.filter(pk=alert.pk, tries=alert.tries + 1)
    if not settings.OPERATOR_EMAILS:
        logger.error("%s. %s", alert.subject, alert.body)
        return bool(ours.update(sent_at=db_now()))
    message = EmailMessage(f"[{alert.shop.name}] {alert.subject}", alert.body, to=settings.OPERATOR_EMAILS)
    try:
        message.send()
    except (OSError, ValueError) as error:  # smtplib's are the first; the second would be a bad setting
        pause_s = min(LONGEST_PAUSE_S, 30 * 2 ** min(alert.tries, 10))
        logger.error("%s. The mail about it could not be sent: %s", alert.subject, error)
        ours.update(due_at=db_now() + datetime.timedelta(seconds=pause_s))
        return False
    return bool(ours.update(sent_at=db_now()))
