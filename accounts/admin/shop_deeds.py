"""What the platform's staff do with a shop as a whole: suspend it, resume it, begin to close it, or take that back. A
shop's own operators cannot: whoever is kept out shall not let themselves in again.
"""

from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import shop_closing, shop_standing, shops
from accounts.clock import read_db_now
from accounts.desk.deeds import Deed, Doer, Refused, deed_of
from accounts.models import Shop
from accounts.models.tenancy import UNDO_FOR


class ShopDeed(Deed[Shop]):
    permission = "accounts.suspend_shop"
    platform_alone = True

    def hindrance(self, shop: Shop) -> str:
        if shop.pk == shops.first_id():
            return str(shop_standing.FirstShop().message)
        return _("It is closed.") if shop.closed_at is not None else ""


@deed_of(Shop)
class Suspend(ShopDeed):
    name = "suspend"
    title = gettext_lazy("Suspend it")
    hint = gettext_lazy("All keys are refused, and nobody can order, buy or sign up there.")
    done_before = gettext_lazy("It is suspended already.")

    def is_done(self, shop: Shop) -> bool:
        return shop.suspended_at is not None

    def says(self, shop: Shop) -> list[str]:
        return [
            _(
                "Nobody can order, buy or open an account at %(name)s any more: all keys get 403, shop_suspended, and"
                " automatic top-ups do nothing."
            )
            % {"name": shop.name},
            _(
                "Open tasks are made and charged as ever. Members can look at what is theirs and fetch it, and read"
                " that the shop is closed for the moment; so does whoever comes to its landing page."
            ),
        ]

    def do(self, request: HttpRequest, shop: Shop, doer: Doer, form: Any) -> str:
        if not shop_standing.suspend(shop, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s is suspended.") % {"name": shop.name}


@deed_of(Shop)
class Resume(ShopDeed):
    name = "resume"
    title = gettext_lazy("Resume it")
    hint = gettext_lazy("Everything there works again.")
    done_before = gettext_lazy("It is not suspended.")

    def hindrance(self, shop: Shop) -> str:
        closes = _("It is being closed: take that back first.") if shop.closing_at is not None else ""
        return super().hindrance(shop) or closes

    def is_done(self, shop: Shop) -> bool:
        return shop.suspended_at is None

    def says(self, shop: Shop) -> list[str]:
        return [
            _(
                "All customers of %(name)s may order and buy again, but for those who are suspended themselves."
            )
            % {"name": shop.name}
        ]

    def do(self, request: HttpRequest, shop: Shop, doer: Doer, form: Any) -> str:
        if not shop_standing.resume(shop, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s is open again.") % {"name": shop.name}


@deed_of(Shop)
class BeginToClose(ShopDeed):
    name = "close"
    title = gettext_lazy("Begin to close it")
    hint = gettext_lazy("Its members get a mail, and fourteen days to fetch what is theirs.")
    done_before = gettext_lazy("It is being closed already.")

    def is_done(self, shop: Shop) -> bool:
        return shop.closing_at is not None

    def says(self, shop: Shop) -> list[str]:
        return [
            _(
                "From now on nobody can order, buy or sign up at %(name)s. Every member gets a mail: until %(day)s they"
                " can look at what is theirs and fetch it. Until then this can be taken back."
            )
            % {"name": shop.name, "day": date_format(read_db_now() + UNDO_FOR, "DATE_FORMAT")},
            _(
                "Nothing is deleted by this. Once that day has come, run on the machine: manage.py close_shop %(slug)s"
                " --export FOLDER. It writes an export of everything, and closes the shop for good."
            )
            % {"slug": shop.slug},
        ]

    def do(self, request: HttpRequest, shop: Shop, doer: Doer, form: Any) -> str:
        if not shop_closing.begin(shop, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s is being closed.") % {"name": shop.name}


@deed_of(Shop)
class TakeClosingBack(ShopDeed):
    name = "keep"
    title = gettext_lazy("Take its closing back")
    hint = gettext_lazy("It stays, with all that it has.")
    done_before = gettext_lazy("It is not being closed.")

    def is_done(self, shop: Shop) -> bool:
        return shop.closing_at is None

    def says(self, shop: Shop) -> list[str]:
        told = [_("%(name)s stays, and every member gets a mail that says so.") % {"name": shop.name}]
        if shop.suspended_at is not None:
            told.append(
                _("It stays suspended as well: resume it afterwards if its customers shall order again.")
            )
        return told

    def do(self, request: HttpRequest, shop: Shop, doer: Doer, form: Any) -> str:
        if not shop_closing.take_back(shop, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s stays.") % {"name": shop.name}
