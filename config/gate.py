"""How many requests of a web process are at work at once. It lives on the event loop, which asks it for a place."""

import asyncio
import contextlib

# One that asks an upstream or a bucket keeps its turn for long, as all do while the database is away.
PATIENCE_S = 0.25


class Gate:
    """`places` for all requests. Those of programs also take one of the fewer `turns`: so many of them at once as
    share an interpreter well. More would only wake each other up, and do less. Who got no turn within PATIENCE_S
    goes on without one.
    """

    def __init__(self, places: int, turns: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.turns = asyncio.Semaphore(turns)


class Place:
    """What one request holds while it is at work; taken and given back any number of times."""

    def __init__(self, gate: Gate, *, is_program: bool) -> None:
        self._gate = gate
        self._is_program = is_program
        self._has_turn = False

    async def take(self) -> None:
        """The turn comes first: whoever waits for one keeps no page waiting."""
        if self._is_program:
            self._has_turn = await self._turn()
        try:
            await self._gate.places.acquire()
        except BaseException:
            self._end_turn()
            raise

    def give_back(self) -> None:
        self._gate.places.release()
        self._end_turn()

    async def _turn(self) -> bool:
        if self._gate.turns.locked():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    return await self._gate.turns.acquire()
            return False
        return await self._gate.turns.acquire()

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._gate.turns.release()
