"""Pages as people get them: a browser's requests, without the browser."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from generations import runner
from generations.models import Generation
from tests.cast import Person

FOX = {"prompt": "a fox in the snow", "aspect_ratio": "16:9", "seed": "", "output_format": "jpeg"}


class Browser(Client):
    """Its forms name the organization whose page they are on, as templates write it: the one of `person`, unless a
    form says another. "" is none.
    """

    person: Person | None = None

    def post(self, path: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        if self.person is not None and (data is None or isinstance(data, dict)):
            data = {"for": self.person.organization.slug, **(data or {})}
        return super().post(path, data, *args, **kwargs)


def browser_of(who: Person | User | None = None) -> Client:
    """Signed in as `who` just now, if anybody; bugs become answers, as on a real shop."""
    client = Browser(raise_request_exception=False)
    if who is not None:
        client.person = who if isinstance(who, Person) else None
        user = who.user if isinstance(who, Person) else who
        client.force_login(user)
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


def text_of(response: Any) -> str:
    """The page without its markup, with single spaces."""
    words = re.sub(r"<[^>]*>", " ", response.content.decode())
    return re.sub(r"\s+", " ", words).replace("&#x27;", "'").replace("&quot;", '"')


def order(client: Client, **fields: str) -> HttpResponse:
    """Sends the playground's form as the page shows it, with a fresh order token unless one is given."""
    if "order_token" not in fields:
        fields["order_token"] = order_token(client)
    return cast(HttpResponse, client.post("/playground/", FOX | fields))


def order_token(client: Client) -> str:
    found = re.search(r'name="order_token" value="([^"]+)"', client.get("/playground/").content.decode())
    assert found
    return found[1]


def ordered(client: Client, **fields: str) -> Generation:
    """An order that was accepted."""
    response = order(client, **fields)
    assert response.status_code == 302, text_of(response)
    return Generation.objects.get(task_id=response["Location"].split("/")[2])


def made(client: Client, **fields: str) -> Generation:
    """An order that a worker has driven to its end."""
    generation = ordered(client, **fields)
    runner.run(generation.pk)
    generation.refresh_from_db()
    return generation


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(execute: Callable[..., object], *arguments: object) -> object:
        raise OperationalError("connection refused")

    with connection.execute_wrapper(refuse):
        yield
