"""`with running_till(webhook_url) as till`: the till as a process of its own, and what people and banks do there.

Its answers are dicts as Stripe's JSON has them. Speak to it with the real library: `till.client()`.
"""

import copy
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import stripe

from billing.stripe_keys import of_till
from tests.processes import ROOT, unmeasured

SECRET_KEY = "sk_test_of_the_till"
WEBHOOK_SECRET = "whsec_of_the_till"
TILL_SECRET = "what the keys of further shops derive from"
Object = dict[str, Any]


class TillError(Exception):
    """The control API refused; `error` is Stripe's."""

    def __init__(self, error: Object) -> None:
        super().__init__(error["message"])
        self.error = error


class RunningTill:
    """`is_measured`: by coverage, which makes it slower; for tests of the till itself."""

    def __init__(self, data: Path, webhook_url: str | None, *, is_measured: bool = False) -> None:
        self.data = data
        self.is_measured = is_measured
        self.webhook_url = webhook_url
        self.secret_key = SECRET_KEY
        self.webhook_secret = WEBHOOK_SECRET
        self.till_secret = TILL_SECRET
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a shop is started with to use this till."""
        return {
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "STRIPE_API_BASE": self.base_url,
        }

    def of_shop(self, shop_id: int) -> "RunningTill":
        """The same till, with the account of another shop than the first."""
        its_own = copy.copy(self)
        its_own.secret_key, its_own.webhook_secret = of_till(self.till_secret, shop_id)
        return its_own

    def client(self, **options: Any) -> stripe.StripeClient:
        """The official library, pointed here; `options` are StripeClient's."""
        return stripe.StripeClient(self.secret_key, base_addresses={"api": self.base_url}, **options)

    def start(self) -> None:
        """Also once it was ended: on the same port, with all it knew."""
        command = [sys.executable, "-m", "billing.till", "--port", str(self.port), "--data", str(self.data)]
        if self.webhook_url:
            command += ["--webhook-url", self.webhook_url]
        secrets = {
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "TILL_SECRET": self.till_secret,
        }
        environment = dict(os.environ) if self.is_measured else unmeasured()
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**environment, **secrets}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()  # it writes one, once it listens
        assert line, "The till did not start; it says why above."
        self.port = int(json.loads(line)["listening"].rpartition(":")[2])

    def end(self) -> int:
        """By SIGTERM; the exit status."""
        self.process.terminate()
        return self._wait()

    def kill(self) -> None:
        self.process.kill()
        self._wait()

    def _wait(self) -> int:
        assert self.process.stdout is not None
        self.process.stdout.close()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    # --- People -----------------------------------------------------------------------------------

    def pay(self, session_id: str, card: str = "works", promotion_code: str = "") -> Object:
        """`card`: `works`, `declines_later` or `needs_authentication`; the session."""
        return self._do("pay", session_id=session_id, card=card, promotion_code=promotion_code)

    def decline(self, session_id: str) -> Object:
        """Somebody tries a card that is refused; the error that Stripe would show."""
        return self._do("decline", session_id=session_id)

    def pay_by_bank(self, session_id: str) -> Object:
        """Complete, and unpaid until bank_arrives()."""
        return self._do("pay_by_bank", session_id=session_id)

    def authenticate(self, payment_intent_id: str) -> Object:
        """The customer confirms a payment that asks for a person."""
        return self._do("authenticate", intent_id=payment_intent_id)

    def use_card(self, customer_id: str, card: str) -> Object:
        """From now on the customer's saved cards do what `card` does; without one, such a card is saved."""
        return self._do("use_card", customer_id=customer_id, card=card)

    # --- Banks, and time ----------------------------------------------------------------------------

    def bank_arrives(self, session_id: str) -> Object:
        return self._do("bank_arrives", session_id=session_id)

    def bank_fails(self, session_id: str) -> Object:
        return self._do("bank_fails", session_id=session_id)

    def expire(self, session_id: str) -> Object:
        return self._do("expire", session_id=session_id)

    def advance(self, seconds: int) -> int:
        """Lets the till's clock run ahead; its new time."""
        now: int = self._do("advance", seconds=seconds)["now"]
        return now

    def refund(self, payment_intent_id: str, amount: int | None = None) -> Object:
        """As somebody does it in Stripe's dashboard; all that is left when `amount` is absent."""
        return self._do("refund", payment_intent=payment_intent_id, amount=amount)

    def fail_refund(self, refund_id: str) -> Object:
        """The customer's bank sends the refund back."""
        return self._do("fail_refund", refund_id=refund_id)

    def dispute(
        self, payment_intent_id: str, amount: int | None = None, status: str = "needs_response"
    ) -> Object:
        """`status` `warning_needs_response`: an inquiry, which takes no money yet."""
        return self._do("dispute", payment_intent=payment_intent_id, amount=amount, status=status)

    def escalate_dispute(self, dispute_id: str) -> Object:
        """An inquiry becomes a dispute."""
        return self._do("escalate_dispute", dispute_id=dispute_id)

    def answer_dispute(self, dispute_id: str) -> Object:
        """The shop's evidence is under review."""
        return self._do("answer_dispute", dispute_id=dispute_id)

    def close_dispute(self, dispute_id: str, outcome: str) -> Object:
        """`outcome`: `won`, `lost`, or `warning_closed` for an inquiry."""
        return self._do("close_dispute", dispute_id=dispute_id, outcome=outcome)

    def fraud_warning(self, payment_intent_id: str) -> Object:
        return self._do("fraud_warning", payment_intent=payment_intent_id)

    # --- Events -------------------------------------------------------------------------------------

    def events(self, type: str | None = None) -> list[Object]:  # noqa: A002 - Stripe's name
        """All so far, the oldest first."""
        found: list[Object] = self._do("events", type=type)["events"]
        return found

    def signed(self, event: Object) -> tuple[bytes, dict[str, str]]:
        """Body and headers to deliver the event with by hand, signed now; it may have been changed."""
        made = self._do("signed", event=event)
        return made["body"].encode(), made["headers"]

    def resend(self, event_id: str) -> None:
        """To the webhook address, once more."""
        self._do("resend", event=event_id)

    def waiting(self) -> list[Object]:
        """What nobody has taken yet: `event` (its id), `attempts`, `last_status` (0: not reached)."""
        found: list[Object] = self._do("waiting")["waiting"]
        return found

    # --- The till itself ----------------------------------------------------------------------------

    def behave(self, **how: Any) -> None:
        """`down=True` (answers 500), `frozen=True` (never answers), `slow_s`, `rate_limited=n` (requests),
        `lose_answers=n` (done, but not answered), `forbidden="events"` (the key has no right to these paths),
        `webhooks="drop"|"duplicate"|"deliver"`;
        `reset=True`: all as usual again, but for what is named beside it.
        """
        self._do("behave", **how)

    def forget(self) -> None:
        """Everything, of all accounts, as at its first start, but for how it behaves."""
        self._do("forget")

    def log(self) -> list[Object]:
        """Requests of the API so far: `method`, `path`, `params`, `idempotency_key`, `request_id`, `status`."""
        found: list[Object] = self._do("log")["requests"]
        return found

    def _do(self, action: str, **values: Any) -> Object:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            headers = {"Authorization": f"Bearer {self.secret_key}", "Content-Type": "application/json"}
            connection.request("POST", f"/control/{action}", json.dumps(values), headers)
            answer = connection.getresponse()
            body: Object = json.loads(answer.read())
        if answer.status != 200:
            raise TillError(body["error"])
        return body


@contextmanager
def running_till(
    webhook_url: str | None = None, data: Path | None = None, *, is_measured: bool = False
) -> Iterator[RunningTill]:
    """`data`: a folder of the caller's; else one that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="till-") as folder:
        till = RunningTill(data or Path(folder), webhook_url, is_measured=is_measured)
        till.start()
        try:
            yield till
        finally:
            if till.process.poll() is None:
                till.end()
