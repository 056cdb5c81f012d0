"""Closing a shop, to its end: what accounts/shop_closing.py has begun. Each step can be done again after whatever broke
off: open tasks end, the export is written and read anew, its organizations are closed, the shop is.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import shop_closing
from accounts.clock import read_db_now
from accounts.mail import circulars
from accounts.models import Organization, Shop
from accounts.privacy import closing
from accounts.privacy.export_rows import in_batches
from billing import unfinished
from config import shop_export
from config.shop_export import Damaged
from generations.models import Generation

LOOK_AGAIN_S = 0.5
MOST_NAMED = 20
# Beyond this nothing is made any more; what was not taken up by then is given up by the workers' sweep.
OPEN_FOR_S = settings.DEADLINE_S + 60


class NotYet(Exception):
    """It goes on with the next call. The text says what is missing."""


def close(
    shop: Shop, folder: Path, *, at_once: bool, wait_s: float, say: Callable[[str], None], owe: str = ""
) -> None:
    """`at_once`: without the days in which members may fetch what is theirs. `owe`: why money that Stripe cannot be
    asked for any more is owed from now on, instead of being waited for. `say` hears of each step. Raises NotYet,
    Damaged, OSError, and FirstShop.
    """
    if shop.closed_at is not None:
        say(f"{shop.slug} is closed.")
        return
    with _alone(folder, shop):
        if shop_closing.begin(shop):
            say("Its members are told by mail; nothing new is ordered or bought.")
        circulars.spread_all(shop)
        _wait_until_due(shop, at_once=at_once)
        _let_open_tasks_end(shop, wait_s)
        _end_money(shop, owe, say)
        _export(shop, folder, say)
        _close_organizations(shop, say)
        _end_money(shop, owe, say)  # more may have been promised meanwhile
        _let_refunds_end(shop)
        if not shop_closing.finish(shop):
            raise NotYet("An organization was founded meanwhile. Run this again.")
    say(f"{shop.slug} is closed.")


@contextmanager
def _alone(folder: Path, shop: Shop) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f".{shop.slug}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotYet(f"Somebody is closing {shop.slug} into {folder} already.") from None
        yield


def _wait_until_due(shop: Shop, *, at_once: bool) -> None:
    shop.refresh_from_db()
    until = shop.closes_at
    if not at_once and until is not None and until > read_db_now():
        day = f"{until:%Y-%m-%d %H:%M} UTC"
        raise NotYet(f"Until {day} its members may fetch what is theirs. Run this again then, or with --now.")


def _let_open_tasks_end(shop: Shop, wait_s: float) -> None:
    """They are made, charged and told of as ever."""
    still_open = Generation.objects.unended().filter(organization__shop=shop)
    until = time.monotonic() + wait_s
    while still_open.exists():
        if time.monotonic() > until:
            raise NotYet(
                f"{still_open.count()} tasks are still open. See that workers run, then run this again."
            )
        time.sleep(LOOK_AGAIN_S)


def _end_money(shop: Shop, owe: str, say: Callable[[str], None]) -> None:
    """Pages that could still be paid are closed, refunds are asked for once more."""
    unfinished.try_to_end(shop)
    if owe:
        try:
            for line in unfinished.end_by_hand(shop, actor="system", reason=owe):
                say(line)
        except ValidationError as error:
            raise NotYet(" ".join(error.messages)) from None


def _export(shop: Shop, folder: Path, say: Callable[[str], None]) -> None:
    known = shop_closing.digest_of_export(shop)
    if known:  # organizations may be closed by now, so no other can be written
        if shop_export.verify(shop, folder) != known:
            raise Damaged(f"{folder / shop.slug} is not the export that was written when its closing began.")
        return
    digest = shop_export.write(shop, folder)
    if not shop_closing.note_export(shop, digest):
        raise NotYet("Its closing was taken back meanwhile. Nothing was deleted.")
    say(f"Its export lies in {folder / shop.slug}, and was read anew: {digest}")


def _close_organizations(shop: Shop, say: Callable[[str], None]) -> None:
    waiting = list[Organization]()
    for organization in in_batches(shop_closing.organizations_of(shop)):
        if closing.end(organization) or not _is_left(shop, organization):
            say(f"{organization.slug} is closed.")
        else:
            waiting.append(organization)
    if waiting:
        names = ", ".join(organization.slug for organization in waiting)
        raise NotYet(
            f"Money or images of {names} are still on their way. Run this again once that has ended.{_owed(shop)}"
        )


def _let_refunds_end(shop: Shop) -> None:
    """Also those that were promised to organizations that are closed already: Stripe is asked with the shop's key, and
    that is forgotten with the shop.
    """
    left = unfinished.promised_refunds(shop).count()
    if left:
        raise NotYet(
            f"{left} refunds of {shop.slug} are on their way. Run this again once Stripe has answered for them."
            f"{_owed(shop)}"
        )


def _owed(shop: Shop) -> str:
    """What waits for Stripe, and what to do when that is in vain."""
    refunds = [
        f"{row} of {row.payment.public_id} to {row.payment.organization.slug}"
        for row in unfinished.promised_refunds(shop)[:MOST_NAMED]
    ]
    purchases = [
        f"{payment.public_id} of {payment.organization.slug}, {payment.price}"
        for payment in unfinished.purchases(shop).select_related("organization")[:MOST_NAMED]
    ]
    if not refunds and not purchases:
        return ""
    lines = [
        *(["Promised and not given back: " + "; ".join(refunds) + "."] if refunds else []),
        *(["Not decided at Stripe: " + "; ".join(purchases) + "."] if purchases else []),
        "Where Stripe refuses this shop's key for good, give --owe REASON: it is recorded as owed, and not waited for.",
    ]
    return "\n" + "\n".join(lines)


def _is_left(shop: Shop, organization: Organization) -> bool:
    """A worker may have been faster."""
    return shop_closing.organizations_of(shop).filter(pk=organization.pk).exists()
