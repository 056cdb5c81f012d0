"""What can go wrong with Stripe; free of its library, so that it costs nothing to name."""


class StripeAway(Exception):
    """No answer, or one that says to ask again later. Whether the request was carried out is not known."""


class StripeRefused(Exception):
    """It said no, and would again: a wrong key, an object that does not exist, a bug. `code` as Stripe names it."""

    def __init__(self, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class KeyRefused(StripeRefused):
    """Our key is not good, so that every other request would be refused as well."""


class CardDeclined(StripeRefused):
    """A charge without the customer present did not go through; `intent_id` is what is left of it at Stripe."""

    def __init__(self, message: str, code: str, intent_id: str) -> None:
        super().__init__(message, code)
        self.intent_id = intent_id
