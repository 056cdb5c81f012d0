"""`python -m benchmarks.inside`: what has to run within the product, in the environment of a shop.

`session ORGANIZATION` makes a member and prints the cookie of a browser in which they are signed in.
`sweep COUNT` prints the milliseconds of so many sweeps, as JSON.
`directory COUNT` prints the milliseconds of so many readings of all hosts and of all rows of shops, and the bytes that
a process keeps of them.
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


def directory(count: int) -> str:
    import tracemalloc

    from accounts import shops
    from accounts.models import Shop

    def read(ask: bool) -> float:
        began = time.perf_counter()
        held = shops._read(shops._hosts() if ask else None)
        took = 1000 * (time.perf_counter() - began)
        assert len(held.rows) == (Shop.objects.count() if ask else 0)
        return took

    hosts = [read(ask=False) for _ in range(count)]
    for pk in Shop.objects.values_list("pk", flat=True):
        shops.by_id(pk)
    rows = [read(ask=True) for _ in range(count)]
    before = shops._hosts()
    tracemalloc.start()
    _held = shops._read(before)
    return json.dumps({"hosts": hosts[1:], "rows": rows[1:], "bytes": tracemalloc.get_traced_memory()[0]})


if __name__ == "__main__":
    django.setup()
    tasks = {"session": session, "sweep": sweep, "directory": directory}
    sys.stdout.write(tasks[sys.argv[1]](int(sys.argv[2])))
