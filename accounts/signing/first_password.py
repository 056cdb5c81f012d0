"""For whom somebody else has entered: a link to choose a password by, as for one that was forgotten."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str

from accounts.models import User


def link_to_choose(user: User) -> dict[str, str]:
    """What templates of mails put the link together from; it works once, within settings.PASSWORD_RESET_TIMEOUT."""
    return {"uid": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
