"""How often somebody may try: taken before the try, so that many at once do not get past it.

Where processes count together and cannot, everything here raises Unavailable: guesses of a password must not multiply
by the number of processes.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import ngettext

from accounts.addresses import client_address, network_of
from accounts.errors import RateLimited
from accounts.gcra import Ask, Bucket, Rate
from accounts.models import User
from accounts.throttling import limiter

Arguments = ParamSpec("Arguments")

# A stranger who guesses from one network is stopped by the second long before the third, which is all that an owner
# shares with strangers, is empty.
SIGN_IN = Rate("sign_in", per_minute=10, burst=10)
SIGN_IN_FROM_NETWORK = Rate("sign_in_from_network", per_minute=2, burst=10)
SIGN_IN_ANYWHERE = Rate("sign_in_anywhere", per_minute=10, burst=50)
PASSKEY = Rate("passkey", per_minute=20, burst=40)  # each takes two
ELSEWHERE = Rate("elsewhere", per_minute=10, burst=20)
# Of somebody who has shown one half already.
CODE = Rate("code", per_minute=10, burst=10, minutes=60)
PASSWORD_AGAIN = Rate("password_again", per_minute=2, burst=10)
SIGN_UP = Rate("sign_up", per_minute=3, burst=10)
RESET = Rate("reset", per_minute=3, burst=10)
CONFIRM = Rate("confirm", per_minute=10, burst=20)
NEW_ADDRESS = Rate("new_address", per_minute=6, burst=6, minutes=60)
# One row of the audit log for all tries of some minutes, or strangers would fill it.
FAILURE_NOTED = Rate("failure_noted", per_minute=1, burst=1, minutes=10)
# To one mailbox, whoever asks for it.
MAIL = Rate("mail_to", per_minute=4, burst=5, minutes=60)

_PAIR_PREFIXES = {4: 24, 6: 64}
_ADDRESS_PREFIXES = {4: 32, 6: 64}  # a household has a /64 to choose from


def by_address(request: HttpRequest, rate: Rate) -> Bucket:
    return Bucket(f"address:{network_of(client_address(request), _ADDRESS_PREFIXES)}", rate)


def by_person(user: User, rate: Rate) -> Bucket:
    return Bucket(f"user:{user.pk}", rate)


def seconds_to_sign_in(request: HttpRequest, email: str) -> int:
    """0 when this try may be made. A refused one takes nothing, so hammering keeps nobody out."""
    account = _digest(email)
    return seconds_to_wait(
        by_address(request, SIGN_IN),
        Bucket(
            f"account:{account}:{network_of(client_address(request), _PAIR_PREFIXES)}", SIGN_IN_FROM_NETWORK
        ),
        Bucket(f"account:{account}", SIGN_IN_ANYWHERE),
    )


def may_note_failure(request: HttpRequest, user: User, actor: str, method: str) -> bool:
    """Whether this is the first one of late at this account, by `actor` from this address."""
    network = network_of(client_address(request), _ADDRESS_PREFIXES)
    return not seconds_to_wait(Bucket(f"{actor}:{user.pk}:{method}:{network}", FAILURE_NOTED))


def may_mail(email: str) -> bool:
    """Else the mails that were sent before this one still do."""
    return not seconds_to_wait(Bucket(f"mailbox:{_digest(email)}", MAIL))


def seconds_to_wait(*buckets: Bucket) -> int:
    """0 when one was taken from each; else none was taken from any."""
    decision = limiter().take(Ask(buckets), refuse_uncounted=True)
    return 0 if decision.allowed else decision.retry_after_s


def wait_words(seconds: int) -> str:
    words = ngettext(
        "Too many tries. Try again in %(count)d second.",
        "Too many tries. Try again in %(count)d seconds.",
        seconds,
    )
    return words % {"count": seconds}


def counted(
    rate: Rate, *, looks: bool = False
) -> Callable[
    [Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
]:
    """Every form that is sent from one address, with `looks` also every look. Raises RateLimited, which is a page."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
        @wraps(view)
        def page(
            request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> HttpResponseBase:
            if looks or request.method not in ("GET", "HEAD"):
                wait_s = seconds_to_wait(by_address(request, rate))
                if wait_s:
                    raise RateLimited(retry_after=wait_s)
            return view(request, *args, **kwargs)

        return page

    return decorate


def _digest(email: str) -> str:
    """Limits are kept outside the database, so they do not hold addresses."""
    return hashlib.sha256(User.objects.clean_email(email).encode()).hexdigest()
