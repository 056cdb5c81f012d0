"""`python -m benchmarks.inside`: what has to run within the product, in the environment of a shop.

`session ORGANIZATION` makes a member and prints the cookie of a browser in which they are signed in.
`sweep COUNT` prints the milliseconds of so many sweeps, as JSON.
"""

import json
import sys
import time

import django


def session(organization: int) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from accounts.models import Membership, Role
    from accounts.organizations import person

    user = person(f"member{organization}@bench.example")
    Membership.objects.create(organization_id=organization, user=user, role=Role.OWNER)
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return f"sessionid={store.session_key}"


def sweep(count: int) -> str:
    from generations import sweeps

    times = []
    for _ in range(count + 1):
        began = time.perf_counter()
        sweeps.sweep()
        times.append(1000 * (time.perf_counter() - began))
    return json.dumps(times[1:])  # the first one opens the connection


if __name__ == "__main__":
    django.setup()
    tasks = {"session": session, "sweep": sweep}
    sys.stdout.write(tasks[sys.argv[1]](int(sys.argv[2])))
