"""A process that leaves waits for its calls, also for those that are just about to begin."""

import asyncio
import threading

from generations import calls


def test_what_a_thread_is_about_to_start_is_waited_for() -> None:
    """As when a place was left, and the next order is being begun, while the process is told to stop."""
    here, beginning, go_on = calls.Calls(), threading.Event(), threading.Event()
    done: list[str] = []

    async def call() -> None:
        done.append("called")

    def begin() -> None:
        beginning.set()
        assert go_on.wait(30)
        here.start(call())

    async def take_next() -> None:
        await here.in_thread(begin)

    def leave() -> None:
        here.drain()
        done.append("left")

    here.start(take_next(), idle=True)
    assert beginning.wait(30)
    leaving = threading.Thread(target=leave, daemon=True)
    leaving.start()
    leaving.join(3 * calls.LOOK_EVERY_S)  # it is given the time to leave too early
    go_on.set()
    leaving.join(30)
    assert done == ["called", "left"]


def test_what_only_waits_for_its_time_is_not_waited_for() -> None:
    here, waits = calls.Calls(), threading.Event()

    async def later() -> None:
        waits.set()
        await asyncio.Event().wait()

    here.start(later(), idle=True)
    assert waits.wait(30)
    here.drain()
