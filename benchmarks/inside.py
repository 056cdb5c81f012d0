"""`python -m benchmarks.inside`: what has to run within the product, in the environment of a shop.

`session ORGANIZATION` makes a member and prints the cookie of a browser in which they are signed in.
`sweep COUNT` prints the milliseconds of so many sweeps, as JSON.
`directory COUNT` prints the milliseconds of so many readings of all hosts, with all rows of shops, and of what orders
want to know of all of them; and the bytes that a process keeps of it.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from accounts.glances import Shared


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
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]  # the first signs nobody in
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

    from accounts import glances, shops
    from accounts.models import Shop
    from generations import content, routing

    def timed(read: Callable[[], object]) -> list[float]:
        times = []
        for _ in range(count):
            began = time.perf_counter()
            read()
            times.append(1000 * (time.perf_counter() - began))
        return times[1:]

    def again(*several: "Shared[int, Any]") -> list[Any]:
        return [shared._read(shared._kept()) for shared in several]

    glances.MOST_CPU_S = float("inf")  # all of them, whatever it takes: that is what is asked
    hosts = timed(lambda: shops._read(None))
    for_orders = content._phrases_of, routing._enabled_of
    for pk in Shop.objects.values_list("pk", flat=True):
        for shared in (shops._rows, *for_orders):
            shared(pk)
    rows = timed(lambda: (shops._read(None), again(shops._rows)))
    orders = timed(lambda: again(*for_orders))
    assert all(len(one.values) == Shop.objects.count() for one in again(shops._rows, *for_orders))
    tracemalloc.start()
    _held = shops._read(None), again(shops._rows, *for_orders)
    kept = tracemalloc.get_traced_memory()[0]
    return json.dumps({"hosts": hosts, "rows": rows, "orders": orders, "bytes": kept})


if __name__ == "__main__":
    django.setup()
    tasks = {"session": session, "sweep": sweep, "directory": directory}
    sys.stdout.write(tasks[sys.argv[1]](int(sys.argv[2])))
