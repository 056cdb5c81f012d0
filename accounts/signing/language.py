"""In which language somebody reads mail: as they last signed in, or chose, at any shop; else the shop's usual one."""

from django.conf import settings

from accounts.models import Shop, User


def spoken_at(shop: Shop) -> list[str]:
    """Codes of the languages that a shop speaks, the usual one first."""
    known = [code for code, _name in settings.LANGUAGES]
    return [code for code in shop.languages if code in known] or known


def of_reader(shop: Shop, to: User | str, *, else_in: str | None = None) -> str:
    """`to`: a person, or an address, which may be nobody's. `else_in`: for whom no language is known of, such as the
    one of whoever invites them.
    """
    if isinstance(to, User):
        own = to.language
    else:
        own = User.objects.filter(email=to).values_list("language", flat=True).first() or ""
    spoken = spoken_at(shop)
    return next((language for language in (own, else_in) if language in spoken), spoken[0])
