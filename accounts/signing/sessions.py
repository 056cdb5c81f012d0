"""The sessions in which somebody is signed in."""

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User


def end_others(request: HttpRequest, user: User) -> int:
    """How many ended: all of this person's but the one that asks, if it is theirs."""
    sessions = UserSession.objects.filter(user=user)
    if request.user == user:
        sessions = sessions.exclude(session_key=request.session.session_key)
    return _end(sessions)


def end_all(user: User) -> int:
    """How many ended."""
    return _end(UserSession.objects.filter(user=user))


def _end(sessions: "QuerySet[UserSession]") -> int:
    count = 0
    for session in sessions:
        session.end()
        count += 1
    return count
