"""Memory of every process, as its proportional share (PSS): what several of them share is counted once."""

import re
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.figures import Section, at_most
from benchmarks.latency import Visit, pay
from benchmarks.stage import Ground, Stage
from tests.faults.shop import ROLES, Shop

ORDERS_PER_SECOND = 3.0
LOAD_S = 8.0
LOOK_EVERY_S = 0.2
LIMIT_MB = 400.0
WORDS = """Megabytes (10^6) of PSS: idle; at the most while three orders of 1024x1024 pixels a second are made
and polled; and afterwards. The embedded shop has just been opened and draws its images itself; the
production shop has done all of the above, and gets its images from the stand-in upstream, which does
not count."""

Shares = dict[str, float]


def section(ground: Ground, stage: Stage) -> Section:
    with ground.embedded() as shop:
        rows, most_mb = _watch("embedded", shop, _live_key(shop.out))
    servers = {name: psutil.Process(_pid(ground, name)) for name in ("postgresql", "valkey")}
    rows += _watch("production", stage.shop, stage.seats[0].secret, servers)[0]
    goals = [at_most("embedded mode, all processes, at the most", most_mb, LIMIT_MB, " MB")]
    return Section("Memory", WORDS, ["shop", "process", "idle MB", "most MB", "after MB"], rows, goals)


def _watch(
    name: str, shop: Shop, key: str, servers: dict[str, psutil.Process] | None = None
) -> tuple[list[list[str]], float]:
    """A row for each kind of process and one for all of the shop's; the most that these had at once."""
    roots = {
        "supervisor": [psutil.Process(shop.process.pid)],
        **{role: shop.children(role) for role in ROLES},
    }
    roots |= {server: [process] for server, process in (servers or {}).items()}
    idle = shares(roots)
    looks = [idle]
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            looks.append(shares(roots))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        pay(Visit(shop.port, key, ORDERS_PER_SECOND, LOAD_S, "1024*1024"))
    finally:
        done.set()
        watcher.join()
    after = shares(roots)
    own = [role for role in roots if role not in (servers or {})]
    totals = [sum(look[role] for role in own) for look in (*looks, after)]
    rows = [
        [
            name,
            role,
            f"{idle[role]:.0f}",
            f"{max(look[role] for look in (*looks, after)):.0f}",
            f"{after[role]:.0f}",
        ]
        for role in roots
    ]
    rows.insert(
        len(own), [name, "all of these", f"{totals[0]:.0f}", f"{max(totals):.0f}", f"{totals[-1]:.0f}"]
    )
    return rows, max(totals)


def shares(roots: dict[str, list[psutil.Process]]) -> Shares:
    """Megabytes of these processes and all below them; the supervisor counts alone."""
    sums: Shares = {}
    for role, processes in roots.items():
        family = list(processes)
        if role != "supervisor":
            for process in processes:
                family += process.children(recursive=True)
        sums[role] = sum(_pss_mb(process.pid) for process in family)
    return sums


def _pss_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        found = re.search(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
        return int(found[1]) * 1024 / 1e6 if found else 0.0
    return 0.0


def _live_key(banner: str) -> str:
    found = re.search(r"live key +(tt_live_\w+)", banner)
    if found is None:
        raise LookupError("The demo's banner shows no live key.")
    return found[1]


def _pid(ground: Ground, server: str) -> int:
    return int((ground.servers.folder / f"{server}.pid").read_text(encoding="ascii"))
