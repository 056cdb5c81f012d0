"""What may be done at the desk, in the reader's language: the names of permissions in the database are English."""

from functools import cache
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

VERBS = {
    "view": pgettext_lazy("right", "See"),
    "add": pgettext_lazy("right", "Add"),
    "change": pgettext_lazy("right", "Change"),
    "delete": pgettext_lazy("right", "Delete"),
}
DESK = "desk"  # in the log: that somebody works there at all


def of(codename: str) -> str:
    """ "Wallets: See", or what the right itself is called. One that is gone stays as it was written."""
    verb, words = _known().get(codename, ("", codename))
    if not verb:
        return str(words)
    return pgettext("a detail", "%(name)s: %(value)s") % {"name": words, "value": VERBS[verb]}


@cache
def _known() -> dict[str, tuple[str, Any]]:
    """By codename: (verb, name of the list), or ("", a name of its own)."""
    found: dict[str, tuple[str, Any]] = {DESK: ("", gettext_lazy("Works at the desk"))}
    for model in apps.get_models():
        options = model._meta
        for verb in VERBS:
            found.setdefault(f"{verb}_{options.model_name}", (verb, options.verbose_name_plural))
        for codename, name in options.permissions:
            found[codename] = ("", name)
    return found
