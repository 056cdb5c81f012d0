"""What the desk's page of an organization shows of apps above: filled in by their admin modules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.models import Organization, User


@dataclass(frozen=True, slots=True)
class Fact:
    """A column of the list of organizations, and a line on the page of one. `of`: of all these ids, in words."""

    name: str
    title: Any
    of: Callable[[Sequence[int]], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of what an organization has. `path` leads to it, for operators with `permission`, such as
    "billing.view_payment".
    """

    title: Any
    permission: str
    path: Callable[[Organization], str]


facts: list[Fact] = []
rows: list[Rows] = []


def links(request: HttpRequest, organization: Organization) -> list[dict[str, Any]]:
    """Those that this operator may open."""
    user = request.user
    return [
        {"title": one.title, "path": one.path(organization)}
        for one in rows
        if isinstance(user, User) and user.has_perm(one.permission)
    ]
