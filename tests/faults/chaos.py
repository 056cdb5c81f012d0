"""Random faults from a seeded generator: the parts of a shop die, stand still, and lose what they remember."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil
import redis
from django.db import connection

from tests.processes import frozen
from tests.servers import Servers
from tests.shop import RunningShop
from tests.upstream.running import RunningUpstream

Fault = Callable[[], None]


class Chaos:
    """`faults` by name; each returns when it is over. Runs in the main thread, which servers are bound to."""

    def __init__(self, seed: int, faults: dict[str, Fault]) -> None:
        self._chance = random.Random(seed)
        self._faults = faults
        self.happened: Counter[str] = Counter()

    def run(self, seconds: float, pause_s: float, least: int) -> None:
        """For so long, and until so many have happened, with about `pause_s` between them; each fault once, in
        some order, before any comes again.
        """
        end = time.monotonic() + seconds
        waiting: list[str] = []
        while time.monotonic() < end or self.happened.total() < least:
            time.sleep(self._chance.uniform(0.5, 1.5) * pause_s)
            waiting = waiting or self._chance.sample(sorted(self._faults), len(self._faults))
            name = waiting.pop()
            self._faults[name]()
            self.happened[name] += 1


def faults_of_processes(
    shop: RunningShop, upstream: RunningUpstream, chance: random.Random
) -> dict[str, Fault]:
    """What can happen to every shop."""

    def kill(role: str) -> None:
        for process in chance.sample(children := shop.processes.children(role), min(1, len(children))):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def freeze(role: str) -> None:
        for process in chance.sample(children := shop.processes.children(role), min(1, len(children))):
            with suppress(psutil.NoSuchProcess), frozen(process):
                time.sleep(chance.uniform(0.5, 4))  # now and then longer than a lease

    def upstream_dies() -> None:
        upstream.kill()
        upstream.start()

    return {
        "worker killed": lambda: kill("worker"),
        "web killed": lambda: kill("granian"),
        "beat killed": lambda: kill("beat"),
        "worker frozen": lambda: freeze("worker"),
        "upstream killed": upstream_dies,
    }


def faults_of_servers(servers: Servers, chance: random.Random) -> dict[str, Fault]:
    def empty() -> None:
        with redis.Redis.from_url(servers.valkey.url) as client:
            client.flushall()

    def restart_valkey() -> None:
        servers.valkey.halt()
        time.sleep(chance.uniform(0, 1))
        servers.valkey.start_again()

    def freeze_valkey() -> None:
        servers.valkey.freeze()
        time.sleep(chance.uniform(0.5, 3))
        servers.valkey.thaw()

    def crash_postgresql() -> None:
        connection.close()  # this process's own
        servers.postgresql.halt()
        time.sleep(chance.uniform(0, 1))
        servers.postgresql.start_again()

    return {
        "Valkey emptied": empty,
        "Valkey restarted": restart_valkey,
        "Valkey frozen": freeze_valkey,
        "PostgreSQL crashed": crash_postgresql,
    }


def faults_of_the_folder(shop: RunningShop) -> dict[str, Fault]:
    """What takes the place of Valkey's in a shop without servers."""

    def empty() -> None:
        for message in (shop.data_dir / "broker" / "queue").glob("*"):
            message.unlink(missing_ok=True)

    return {"queue emptied": empty}
