"""The same mail to every member of a shop. The first get theirs at once; for the others stands one row of the outbox,
from which whoever sends mail makes theirs by portions: nobody waits for fifty thousand of them.
"""

from django.db import transaction
from django.db.models import QuerySet

from accounts.clock import db_now
from accounts.mail import letters, sending
from accounts.models import Membership, QueuedMail, Shop, User
from accounts.signing import language as languages

PORTION = 500
TEMPLATES = frozenset({"shop_closing", "shop_kept"})


def begin(shop: Shop, template: str) -> None:
    """One of TEMPLATES, inside the transaction of what it tells of. Who has not been told of what came before it will
    not be any more.
    """
    _of(shop).delete()
    last = _write(shop, template, after=0)
    if last is not None:
        QueuedMail.objects.create(shop=shop, template=template, body=str(last))


def is_one(mail: QueuedMail) -> bool:
    return not mail.to and mail.template in TEMPLATES


def spread(mail: QueuedMail) -> None:
    """To all who are left. `body`: the number of the last who got theirs, "" once all have. Any number may do so at
    once, and be killed: a portion and the note of it are one transaction, and each waits for the one before.
    """
    rows = QueuedMail.objects.filter(pk=mail.pk)
    while True:
        with transaction.atomic():
            row = rows.select_for_update(of=("self",)).select_related("shop").first()
            if row is None or not row.body:
                return
            last = _write(row.shop, row.template, after=int(row.body))
            if last is None:
                rows.update(body="", sent_at=db_now())
            else:
                rows.update(body=str(last), due_at=db_now() + sending.HOLD)


def spread_all(shop: Shop) -> None:
    """Whatever waits, before those whom it is for are no members any more."""
    for mail in _of(shop):
        spread(mail)


def _of(shop: Shop) -> QuerySet[QueuedMail]:
    waiting = QueuedMail.objects.filter(shop=shop, sent_at=None, due_at__isnull=False)
    return waiting.filter(to="", template__in=TEMPLATES)


def _write(shop: Shop, template: str, *, after: int) -> int | None:
    """The next portion: the number of the last of them, None when nobody is left."""
    members = Membership.objects.filter(organization__shop=shop, organization__closed_at=None)
    left = User.objects.filter(pk__in=members.values("user"), pk__gt=after, is_active=True)
    people = list(left.only("email", "language").order_by("pk")[: PORTION + 1])
    written: dict[str, letters.Written] = {}
    mails = []
    for user in people[:PORTION]:
        language = languages.of_reader(shop, user)
        if language not in written:
            written[language] = letters.write(shop, template, {}, language)
        text = written[language]
        mails.append(
            QueuedMail(
                shop=shop,
                to=user.email,
                subject=text.subject,
                body=text.body,
                html=text.html,
                template=template,
            )
        )
    QueuedMail.objects.bulk_create(mails)
    return people[PORTION - 1].pk if len(people) > PORTION else None
