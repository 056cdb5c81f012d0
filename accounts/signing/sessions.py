"""The sessions in which somebody is signed in."""

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from accounts.models import User


def end_others(request: HttpRequest, user: User) -> int:
    """How many ended: all of this person's but the one that asks, if it is theirs."""
    sessions = UserSession.objects.filter(user=user)
    if request.user == user:
        sessions = sessions.exclude(session_key=request.session.session_key)
    count = 0
    for session in sessions:
        session.end()
        count += 1
    return count
