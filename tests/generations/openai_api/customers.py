"""Customers of a running shop who use OpenAI's client, and what became of their orders."""

import http.client
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

import openai
from django.db import connection

from accounts.api_keys import create_api_key
from accounts.models import Organization
from billing.models import EntryKind, LedgerEntry
from generations.models import Generation
from tests.makers import an_organization, wallet_of
from tests.shop import RunningShop
from tests.waiting import wait_until

CREDITS = 1000
PATH = "/v1/images/generations"
ORDER = {"prompt": "a lighthouse", "size": "256x256"}


@dataclass(frozen=True, slots=True)
class Customer:
    shop: RunningShop
    organization: Organization
    key: str

    @classmethod
    def new(
        cls, shop: RunningShop, *, credits: int = CREDITS, livemode: bool = True, **options: Any
    ) -> "Customer":
        organization = an_organization(credits)
        key = create_api_key(organization, livemode=livemode, **options)[1]
        connection.close()
        return cls(shop, organization, key)

    def client(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(api_key=self.key, base_url=f"{self.shop.base_url}/v1", **options)

    def counting_client(self, **options: Any) -> tuple[openai.OpenAI, list[int]]:
        """With the statuses of all answers that it gets."""
        statuses: list[int] = []
        hooks = {"response": [lambda answer: statuses.append(answer.status_code)]}
        return self.client(http_client=openai.DefaultHttpxClient(event_hooks=hooks), **options), statuses

    def post(self, *, tries: int = 0, **headers: str) -> tuple[int, Message, Any]:
        """ORDER without a client: status, headers and body. `tries`: before this one, as clients count them."""
        headers["x_stainless_retry_count"] = str(tries)
        return self.shop.ask("POST", PATH, self.key, ORDER, **headers)

    def posting(self) -> http.client.HTTPConnection:
        """The same, without waiting for the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request("POST", PATH, json.dumps(ORDER), headers)
        return connection

    def orders(self) -> list[Generation]:
        """The newest first."""
        found = list(Generation.objects.filter(organization=self.organization).order_by("-pk"))
        connection.close()
        return found

    def captures(self) -> int:
        count = LedgerEntry.objects.filter(
            wallet__organization=self.organization, kind=EntryKind.CAPTURE
        ).count()
        connection.close()
        return count

    def wallet(self) -> tuple[int, int]:
        """Available and held."""
        available, held, _owed, _value = wallet_of(self.organization)
        connection.close()
        return available, held

    def wait_until_answered(self, generation: Generation) -> None:
        def is_answered() -> bool:
            awaited = Generation.objects.get(pk=generation.pk).awaited_try is not None
            connection.close()
            return not awaited

        wait_until(is_answered, "the answer to be noted")
