"""How the till misbehaves when a test asks for it, and what it was asked for."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.till.problems import Body, Problem

LOG_LENGTH = 20_000
WEBHOOKS = ("deliver", "drop", "duplicate")


@dataclass
class Behaviour:
    """Of the API alone; pages and the control API always work. The counts are of requests still to come."""

    down: bool = False  # answers 500 and does nothing
    frozen: bool = False  # accepts, does nothing and never answers
    slow_s: float = 0.0
    rate_limited: int = 0
    lose_answers: int = 0  # does what it is asked, and closes the connection instead of answering
    forbidden: str = ""  # what the key has no right to: how paths below /v1/ begin, such as "events"
    webhooks: str = "deliver"
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def become(self, wanted: Mapping[str, Any]) -> None:
        """Keeps what is not named; `reset` first makes it as usual. Raises Problem."""
        named: dict[str, type | tuple[type, ...]] = {"down": bool, "frozen": bool, "reset": bool}
        named |= {"slow_s": (int, float), "rate_limited": int, "lose_answers": int, "webhooks": str}
        named["forbidden"] = str
        for name, value in wanted.items():
            if name not in named or not isinstance(value, named[name]):
                raise Problem(f"No such behaviour: {name}={value!r}", param=name)
        if wanted.get("webhooks", "deliver") not in WEBHOOKS:
            raise Problem(f"webhooks is one of {', '.join(WEBHOOKS)}", param="webhooks")
        with self.changed:
            if wanted.get("reset"):
                self.down = self.frozen = False
                self.slow_s, self.rate_limited, self.lose_answers, self.webhooks = 0.0, 0, 0, "deliver"
                self.forbidden = ""
            for name, value in wanted.items():
                if name != "reset":
                    setattr(self, name, value)
            self.changed.notify_all()

    def wait_while_frozen(self) -> bool:
        """Whether it was frozen; returns when it is no longer."""
        with self.changed:
            was_frozen = self.frozen
            self.changed.wait_for(lambda: not self.frozen)
            return was_frozen

    def wait_while_slow(self) -> None:
        with self.changed:
            if self.slow_s:
                self.changed.wait_for(lambda: not self.slow_s, timeout=self.slow_s)

    def use_up(self, name: str) -> bool:
        """Whether this request is one of those to be limited or lost."""
        with self.changed:
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
            return left > 0


@dataclass
class Log:
    """The last requests of the API: `method`, `path`, `params`, `idempotency_key`, `request_id`, `status`."""

    entries: deque[Body] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))

    def begin(self, **what: Any) -> Body:
        """`status` is None until there is an answer, and stays so when none is sent."""
        entry: Body = {**what, "status": None}
        self.entries.append(entry)
        return entry

    def all(self) -> list[Body]:
        return [dict(entry) for entry in list(self.entries)]
