from django.urls import path

from billing import api, inbox
from billing.checkout import CARD_SAVED_PATH, RETURN_PATH
from billing.errors import CREDITS_PATH
from billing.views import automatic, buying, credits, small_forms

CREDITS = CREDITS_PATH.removeprefix("/")

urlpatterns = [
    path("api/v1/ledger", api.LedgerView.as_view()),
    path("webhooks/stripe", inbox.stripe_webhook, name="stripe_webhook"),
    path(CREDITS, credits.credits_page, name="credits"),
    path(f"{CREDITS}buy/", buying.buy, name="buy"),
    path(RETURN_PATH.removeprefix("/"), buying.checkout_return, name="checkout_return"),
    path(f"{CREDITS}pay/<str:payment_id>", buying.go_on_paying, name="go_on_paying"),
    path(f"{CREDITS}look/", buying.look_again, name="look_again"),
    path(f"{CREDITS}receipt/<str:payment_id>", buying.receipt, name="receipt"),
    path(f"{CREDITS}portal/", buying.portal, name="portal"),
    path(f"{CREDITS}automatic/", automatic.automatic_page, name="automatic"),
    path(CARD_SAVED_PATH.removeprefix("/"), automatic.card_saved, name="card_saved"),
    path(f"{CREDITS}automatic/off/", automatic.automatic_off, name="automatic_off"),
    path(f"{CREDITS}voucher/", small_forms.redeem, name="redeem"),
    path(f"{CREDITS}low/", small_forms.low_balance_mail, name="low_balance_mail"),
]
