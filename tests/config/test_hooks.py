"""What each app hears of from those below it: pinned, since nobody sees it where it is called."""

from accounts import hooks
from webhooks.hooks import renderers


def registered(name: str) -> list[str]:
    return [f"{hook.__module__}.{hook.__qualname__}" for hook in getattr(hooks, name)]


def test_who_is_called_for_what_and_in_which_order() -> None:
    names = [name for name, value in vars(hooks).items() if isinstance(value, list)]
    assert {name: registered(name) for name in names} == {
        "shop_opened": ["generations.catalogue.stock", "billing.packs.stock"],
        "shop_lacks": ["generations.catalogue.lacks"],
        "shop_paused": ["billing.unfinished.after_pause"],
        "shop_closed": ["generations.shops.forget", "billing.shops.end"],
        "shop_sections": ["generations.shops.sections", "billing.shops.sections"],
        "currency_is_used": ["generations.shops.has_money", "billing.reads.has_money"],
        "organization_created": ["billing.ledger.open_wallet"],
        "address_confirmed": ["billing.welcome.after_confirmation"],
        "signed_in": ["billing.welcome.after_sign_in"],
        "key_leaked": ["webhooks.news.key_compromised"],
        "closing_losses": ["generations.closing.losses", "billing.closing.losses"],
        "organization_closing": ["generations.closing.end_orders", "billing.closing.end_purchases"],
        "organization_blanked": [
            "generations.closing.forget_orders",
            "billing.closing.forget",
            "webhooks.keeping.forget",
        ],
        "resealed": ["billing.connecting.reseal"],
        "person_erased": [],
        "person_sections": [],
        "export_sections": [
            "generations.export_rows.sections",
            "billing.export_rows.sections",
            "webhooks.keeping.sections",
        ],
    }


def test_who_makes_the_words_of_which_webhooks() -> None:
    found = {name: f"{render.__module__}.{render.__qualname__}" for name, render in renderers.items()}
    assert found == {"generation": "generations.webhook_events.generation_event_data"}
