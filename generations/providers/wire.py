"""What every upstream behind HTTP has in common. An adapter turns a job into a request and a response into an answer,
and does nothing else: it opens no connection, waits for nothing, and knows neither rows nor money. So one file states
one wire format, and the same code serves hundreds of calls at once (see generations/calls.py and polling.py).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from generations.providers.base import AfterCrash, Job, OutcomeKind

MAX_DETAIL = 300
LONGEST_PAUSE_S = 120.0
MASK = "[hidden]"

# Scheme, host and port, also where it is the scheme's own; None for schemes of others.
Origin = tuple[str, str, int | None]
_USUAL_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> Origin:
    """Raises ValueError for what is no address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _USUAL_PORTS.get(parts.scheme)


@dataclass(frozen=True, slots=True)
class Account:
    """Our account with an upstream, as the operator set it up. `base_url` has no slash at its end.

    `model` is the upstream's own name for it. `webhook_url`: where it may tell us of this attempt, "" nowhere.
    `inside`: its very origin may lie in our own network (docs/decisions/0040-a-shop-buys-like-a-customer.md).
    """

    base_url: str
    credential: str = field(repr=False)  # nor does it get into a log by way of an error
    model: str
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    inside: bool = False

    @property
    def origin(self) -> Origin:
        """Of the address that the operator chose."""
        return origin_of(self.base_url)

    @property
    def trusted_origin(self) -> Origin | None:
        """Where calls and results may lead into our own network; everywhere else they are judged."""
        return self.origin if self.inside else None


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is sent as JSON."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` have lower-case names; `body` is whole, and of a bounded size."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def members(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none: no answer of an upstream is taken on trust."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def excerpt(self, account: Account) -> str:
        """The beginning of the body, for the record of an attempt; without the secrets of `account`."""
        body = self.body
        for secret in secrets_of(account):  # before the cut, which could leave the half of one
            body = body.replace(secret.encode("utf-8", "replace"), MASK.encode())
        return f"HTTP {self.status}: {printable(body[: 4 * MAX_DETAIL].decode('utf-8', 'replace'))}"

    def retry_after_s(self) -> float | None:
        """What Retry-After asks for, in seconds; None when it is absent or no number."""
        return pause_s(self.headers.get("retry-after", ""))


def secrets_of(account: Account) -> list[str]:
    """In each spelling in which an upstream may say them back. What is shorter than 4 characters is none."""
    found = []
    for secret in (account.credential, account.webhook_secret):
        if len(secret) >= 4:
            found += [secret, secret.replace("/", "\\/"), quote(secret, safe="")]
    return list(dict.fromkeys(found))


def printable(text: str) -> str:
    """`text` in one line of at most MAX_DETAIL characters, all of which a database takes."""
    line = " ".join(text.split()).replace("\x00", "").encode("utf-8", "replace").decode()
    return line[:MAX_DETAIL]


def pause_s(text: str) -> float | None:
    """A pause that an upstream asked for, within sane bounds; None when `text` is no number."""
    try:
        asked_s = float(text)
    except ValueError:
        return None
    return min(max(asked_s, 0.0), LONGEST_PAUSE_S) if math.isfinite(asked_s) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response means.

    OK brings `images` (undecoded files) or `image_urls` (addresses that the upstream chose: only the door out fetches
    them). WAIT brings `handle`: what poll() needs to ask again, text by text, kept in the attempt's row; and `task_id`,
    the upstream's name for it. A later WAIT without a handle leaves the one there is. `poll_after_s` None: at the usual
    pace. `billed`: the upstream charges us although it brought no image. `detail` is for the operator and never for
    the customer.
    `once`: a BUSY that is worth one more try there, and then is a FAILED. `unsure`: a BUSY to an order that somebody in
    between may have said, so that the upstream may have it all the same. `withheld`: beside an OK's images, how many
    more were made and refused for what they show. `facts`: how an own GPU made them, kept with each.
    """

    kind: OutcomeKind
    image_urls: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()
    handle: dict[str, str] | None = None
    task_id: str = ""
    poll_after_s: float | None = None
    progress: int | None = None
    billed: bool = False
    once: bool = False
    unsure: bool = False
    withheld: int = 0
    facts: dict[str, Any] | None = None
    detail: str = ""


class ForgedWebhook(Exception):
    """The signature is missing, wrong or too old. The text says which, for our log alone."""


class Unable(NotImplementedError):
    """A bug of ours: an adapter was asked for what it says that its upstream does not have."""


class Adapter(Protocol):
    """One wire format. To be subclassed: what an upstream cannot do, this class already says."""

    name: str
    title: str
    base_url: str = ""  # where it usually lives; "" when every operator has an address of their own
    model: str = ""  # what it usually calls Z-Image-Turbo
    after_crash: AfterCrash = AfterCrash.NEVER
    can_stop: bool = False  # a task can be stopped without being paid for
    in_house: bool = False  # made by workers of ours: no address, no credential, nothing to be sent
    max_images: int = 1  # of one request; an order for more is made by several
    polls_per_second: float = 20.0
    sends_webhooks: bool = False
    webhook_keys_url: str = ""  # where the public keys of its webhooks are, when those are signed with such
    top_up_url: str = ""  # the page on which credit with it is paid for

    def most_images(self, model: str) -> int:
        """Of one request for this model, which goes by the upstream's own name here."""
        return self.max_images

    def waits(self, account: Account) -> bool:
        """Whether the answer to submit() is the image itself, so that a connection stays open as long as it takes."""
        return False

    def top_up_at(self, base_url: str) -> str:
        """Where the operator pays for more credit; where that is not known, who it is with."""
        return self.top_up_url or base_url

    def submit(self, account: Account, job: Job) -> Request: ...

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer: ...

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        raise Unable(self.name)

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        """BUSY, LIMITED, ACCOUNT, FUNDS: this question could not be answered now; the task itself goes on."""
        raise Unable(self.name)

    def cancel(self, account: Account, handle: dict[str, str]) -> Request | None:
        """None: this upstream cannot be told."""
        return None

    def read_cancel(self, account: Account, handle: dict[str, str], response: Response) -> bool:
        """Whether it has stopped, and will not be paid for. False: its end has to be waited for."""
        return False

    def look_up(self, account: Account, job: Job) -> Request:
        """Asks for what became of a submission whose answer was lost. Only with AfterCrash.LOOK_UP."""
        raise Unable(self.name)

    def read_look_up(self, account: Account, job: Job, response: Response) -> list[Answer] | None:
        """The tasks there that may be this job, each as a WAIT; [] it never arrived; None nobody can tell."""
        raise Unable(self.name)

    def keys_url(self, account: Account) -> str:
        """Where the public keys of its webhooks are; "" when they are signed with a secret that we share."""
        return self.webhook_keys_url

    def verify_webhook(
        self, account: Account, headers: Mapping[str, str], body: bytes, keys: bytes, now: float
    ) -> None:
        """Raises ForgedWebhook. `headers` have lower-case names, `body` is as it came, `keys` what `webhook_keys_url`
        answered, `now` in Unix seconds.
        """
        raise ForgedWebhook("this upstream sends none")
