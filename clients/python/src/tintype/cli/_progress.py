"""How far a generation is: a bar on a terminal, else a line for each news."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from tintype.cli._output import printable
from tintype.results import Generation

LONGEST_BAR = 30


class Progress:
    """Call it with each state that was read. `progress` is the shop's own."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._clock = clock
        self._began = clock()
        self._shown = ""

    def __call__(self, generation: Generation) -> None:
        if self._is_terminal:
            self._draw(generation)
        else:
            line = printable(f"{generation.id} {generation.status} {generation.progress} %")
            if line != self._shown:
                self._stream.write(line + "\n")
            self._shown = line
        self._stream.flush()

    def _draw(self, generation: Generation) -> None:
        done = max(0, min(100, generation.progress))
        words = printable(f" {done:3} %  {generation.status}, {self._clock() - self._began:.0f} s")
        room = shutil.get_terminal_size().columns - 1
        length = max(0, min(LONGEST_BAR, room - len(words) - 2))
        full = done * length // 100
        line = f"[{'#' * full}{'.' * (length - full)}]{words}"[:room]
        self._stream.write("\r" + line.ljust(len(self._shown)))
        self._shown = line

    def end(self) -> None:
        """The line of the bar stays, and what follows has one of its own."""
        if self._is_terminal and self._shown:
            self._stream.write("\n")
            self._stream.flush()
        self._shown = ""
