"""The sessions in which somebody is signed in."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts.clock import db_now
from accounts.models import User

PORTION = 500


def end_others(request: HttpRequest, user: User) -> int:
    """How many ended: all of this person's but the one that asks, if it is theirs."""
    sessions = UserSession.objects.filter(user=user)
    if request.user == user:
        sessions = sessions.exclude(session_key=request.session.session_key)
    return _end(sessions)


def end_all(user: User) -> int:
    """How many ended."""
    return _end(UserSession.objects.filter(user=user))


def count(user: User) -> int:
    """In how many browsers they are signed in."""
    return int(UserSession.objects.filter(user=user).count())


def _end(sessions: "QuerySet[UserSession]") -> int:
    count = 0
    for session in sessions:
        session.end()
        count += 1
    return count


def forget_dead() -> int:
    """How many rows were of sessions that have ended: each holds an IP address and a browser."""
    live = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=db_now())
    dead = UserSession.objects.filter(~Exists(live))
    count = 0
    while portion := list(dead.values_list("pk", flat=True)[:PORTION]):
        count += UserSession.objects.filter(pk__in=portion).delete()[0]
    return count
