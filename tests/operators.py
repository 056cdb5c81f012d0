"""Who works at the operator's desk, and what its forms hold."""

import uuid
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client

from accounts.desk import said
from accounts.desk.deeds import Doer
from accounts.models import User
from accounts.organizations import person
from accounts.origin import NOWHERE
from tests.pages import browser_of

UPSTREAM = {
    "name": "Main",
    "provider": "openai_compatible",
    "base_url": "http://gpu.example:30000",
    "new_credential": "",
    "model_names": "",
    "size_list": "",
    "min_side": "256",
    "max_side": "1536",
    "priority": "10",
    "weight": "1",
    "concurrency": "10",
    "polls_per_second": "",
    "cost": "0",
    "cost_unit": "image",
    "new_webhook_secret": "",
    "enabled": "on",
}


def operator(email: str = "operator@shop.example") -> User:
    """Who may do everything."""
    user = person(email)
    user.is_staff = user.is_superuser = True
    user.save()
    return user


def clerk(*permissions: str) -> User:
    """Staff who may do these things alone, such as view_upstream."""
    user = person("clerk@shop.example")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def desk_of(user: User) -> Client:
    client = browser_of()
    client.force_login(user)
    return client


def entered(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in (UPSTREAM | fields).items() if value is not None}


def doer(reason: str = "as the letter of Monday says", user: User | None = None) -> Doer:
    """An operator who sends a form once."""
    who = user or operator()
    return Doer(who, f"staff:{who.uuid}", NOWHERE, reason, uuid.uuid4())


def is_told(kept: str) -> bool:
    """Whether the desk says in the reader's language what its log keeps."""
    return any(pattern.fullmatch(kept) for _sentence, pattern in said.PATTERNS)


def do(desk: Client, row: Model, deed: str, *, once: uuid.UUID | None = None, **fields: Any) -> Any:
    """Sends the form of a deed, with a reason, and follows to where it leads."""
    path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{deed}/"
    sent = {"once": str(once or uuid.uuid4()), "reason": "as the letter of Monday says"} | fields
    return desk.post(path, sent, follow=True)
