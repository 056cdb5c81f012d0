"""Celery's file-system broker, as a folder of messages that come and go in one step each.

Kombu's own writes a message's file in place: a worker that lists the folder in that moment reads half of
it and dies. Here a message is renamed into view when it is whole, and belongs to whoever removes it.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

LONGEST_WAIT_S = 0.3

logger = logging.getLogger(__name__)


class Channel(virtual.Channel):
    """Queues as files `<time>-<random>.<queue>.msg` in transport option `data_folder_in`."""

    @cached_property
    def folder(self) -> Path:
        connection: Any = self.connection
        folder = Path(connection.client.transport_options["data_folder_in"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _messages(self, queue: str) -> Iterator[Path]:
        return self.folder.glob(f"*.{queue}.msg")

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        name = f"{time.time_ns():020d}-{uuid.uuid4()}.{queue}.msg"
        unfinished = self.folder / f"{name}.new"
        try:
            unfinished.write_text(dumps(message), encoding="utf-8")
        except FileNotFoundError:  # somebody has emptied the broker, folder and all
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(dumps(message), encoding="utf-8")
        unfinished.rename(self.folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message. Raises Empty."""
        for file in sorted(self._messages(queue)):
            with suppress(FileNotFoundError):  # another worker was quicker
                text = file.read_text(encoding="utf-8", errors="replace")
                file.unlink()
                try:
                    return loads(text)
                except ValueError:
                    logger.warning("Skipped a damaged message: %s", file.name)
        raise Empty

    def _size(self, queue: str) -> int:
        return sum(1 for _ in self._messages(queue))

    def _purge(self, queue: str) -> int:
        size = 0
        for file in self._messages(queue):
            with suppress(FileNotFoundError):
                file.unlink()
                size += 1
        return size


class Transport(virtual.Transport):
    """Registered for `filesystem://` in config/celery.py."""

    Channel = Channel
    driver_type = "filesystem"
    driver_name = "folder"

    @property
    def default_connection_params(self) -> dict[str, Any]:
        return {}  # there is no host that could be missing

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        # A worker looks for its signal to stop only between two of these; it asks for 2 s each.
        super().drain_events(connection, timeout=min(timeout or LONGEST_WAIT_S, LONGEST_WAIT_S))

    def driver_version(self) -> str:
        return "1"
