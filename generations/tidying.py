"""Files that nobody will ask for: what workers stored who did not live to settle it. In a bucket that takes several
requests for each order, and however long they last: a thread does it there, so that no sweep, and no order behind,
waits for them.
"""

import logging
import queue
from collections.abc import Collection

from accounts.residents import Resident
from generations import storage

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000

_waiting: "queue.SimpleQueue[tuple[str, int, Collection[str]]]" = queue.SimpleQueue()


def delete_unsettled(task_id: str, claim: int, keep: Collection[str] = ()) -> None:
    """As storage.delete_unsettled(). From a bucket, soon."""
    if not storage.is_far():
        storage.delete_unsettled(task_id, claim, keep)
        return
    if claim and _waiting.qsize() < MAX_WAITING:
        _waiting.put((task_id, claim, keep))
    _thread.ensure()


def _tidy_forever() -> None:
    while True:
        task_id, claim, keep = _waiting.get()
        try:
            storage.delete_unsettled(task_id, claim, keep)
        except OSError as error:
            logger.warning("%s: what nobody needs could not be removed: %s", task_id, error)
        except Exception:
            logger.exception("%s: what nobody needs could not be removed", task_id)


_thread = Resident(_tidy_forever, "tidying")
