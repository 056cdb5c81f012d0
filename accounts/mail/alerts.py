"""What operators of a shop have to know at once, by e-mail: each once, and again only while the mail cannot be sent."""

import logging

from accounts import staff
from accounts.mail import letters, sending
from accounts.models import AlertKind, OperatorAlert
from accounts.names import ISOLATING

logger = logging.getLogger(__name__)
MOST_LOGGED = 2000  # letters; what others wrote may be in it


def raise_alert(shop_id: int, kind: AlertKind, subject: str, body: str) -> None:
    """Inside the transaction of what it tells of, so that it is told exactly if that happened."""
    OperatorAlert.objects.create(
        shop_id=shop_id, kind=kind, subject=sending.one_line(subject, keep=ISOLATING), body=body
    )


def send_due() -> int:
    """How many were sent. Without an address they stand in the log and in the admin."""
    return sending.send_due(OperatorAlert, _send, failed=_failed)


def _send(alert: OperatorAlert) -> None:
    to = staff.mail_of(alert.shop_id)
    if not to:
        logger.error(
            "%s. %s", alert.subject, sending.one_line(alert.body, keep=ISOLATING, at_most=MOST_LOGGED)
        )
        return
    subject = sending.one_line(f"[{alert.shop.name}] {alert.subject}", keep=ISOLATING)
    letters.letter(alert.shop, subject, alert.body, to).send()


def _failed(alert: OperatorAlert, error: Exception) -> None:
    logger.error("%s. The mail about it could not be sent: %s", alert.subject, sending.one_line(str(error)))
