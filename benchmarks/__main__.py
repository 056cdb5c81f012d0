"""`python -m benchmarks [PART]`: measures, prints, and writes docs/performance.md when all was measured."""

import argparse
import signal
import sys
from types import FrameType

from benchmarks import accepts, latency, polls, settling
from benchmarks.latency import percentile
from benchmarks.rounds import Comparison
from benchmarks.stage import Stage, clean_environment, stage


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("part", choices=["accepts", "status", "latency", "settled"])
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 4, 16, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--wallets", type=int, default=100)
    parser.add_argument("--count", type=int, default=1500, help="orders of a backlog")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    clean_environment()
    with stage(options.wallets) as shop:
        PARTS[options.part](shop, options)


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # through every `finally`, so that nothing is left running


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _compared(name: str, result: Comparison, other: str) -> None:
    refused = f"  REFUSED {result.refused}" if result.refused else ""
    _say(f"{name}: {result.ours:.0f}/s, {other} {result.other:.0f}/s, ratio {result.ratio:.3f}{refused}")


def _accepts(shop: Stage, options: argparse.Namespace) -> None:
    with shop.workers_paused():
        for clients in options.clients:
            for name, seats in (("one wallet", shop.seats[:1]), ("many wallets", shop.seats[1:])):
                result = accepts.measure(shop, seats, clients, rounds=options.rounds, seconds=options.seconds)
                _compared(f"accepts, {clients} clients, {name}", result, "raw SQL")


def _status(shop: Stage, options: argparse.Namespace) -> None:
    finished = polls.finished_tasks(shop)
    with shop.workers_paused():
        waiting = polls.open_tasks(shop)
        for name, tasks in (("open task", waiting), ("finished task", finished)):
            for clients in options.clients:
                result = polls.measure(shop, tasks, clients, rounds=options.rounds, seconds=options.seconds)
                _compared(f"status polls, {clients} clients, {name}", result, "trivial view")
        shop.clear()


def _latency(shop: Stage, options: argparse.Namespace) -> None:
    latency.measure(shop, per_second=10, seconds=1)
    result = latency.measure(shop, per_second=10, seconds=10 * options.seconds)
    for name, values in (("client", result.client_ms), ("database", result.database_ms)):
        _say(
            f"POST to SUCCESS, {name}: p50 {percentile(values, 50):.0f} ms, p99 {percentile(values, 99):.0f} ms"
            f" of {len(values)}"
        )


def _settled(shop: Stage, options: argparse.Namespace) -> None:
    for size in ("256*256", "1024*1024"):
        drained = settling.drain(shop, size, options.count)
        _say(f"settled, {size}, backlog of {drained.orders}: {drained.per_second:.0f}/s")
        both = settling.while_accepting(shop, size, 16, 5 * options.seconds)
        _say(f"settled, {size}, while accepting {both.accepted_per_second:.0f}/s: {both.per_second:.0f}/s")


PARTS = {"accepts": _accepts, "status": _status, "latency": _latency, "settled": _settled}

if __name__ == "__main__":
    main()
