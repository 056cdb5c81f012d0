"""The adapter of the stand-in upstream, and the app that puts it into the sandbox's place."""

import http.client
import json
import os
import select
import threading

from generations.providers.base import AfterCrash, Job, OnProgress, Outcome, OutcomeKind


class StandIn:
    """Speaks to tests/upstream/server.py, as the environment says: UPSTREAM_PORT; UPSTREAM_AFTER_CRASH, `resend`
    when absent; UPSTREAM_TIMEOUT_S, for ever when absent, as an adapter with a bug.
    """

    name = "sandbox"
    can_stop = False

    def __init__(self) -> None:
        self.after_crash = AfterCrash(os.environ.get("UPSTREAM_AFTER_CRASH", "resend"))
        self._port = int(os.environ["UPSTREAM_PORT"])
        self._timeout_s = float(os.environ.get("UPSTREAM_TIMEOUT_S", "0")) or None
        self._own = threading.local()

    def generate(self, job: Job, on_progress: OnProgress) -> Outcome:
        try:
            status, body = self._call(job)
        except TimeoutError:
            self._own.connection = None
            return Outcome(OutcomeKind.TIMEOUT, detail="no answer in time")
        except (OSError, http.client.HTTPException) as error:
            self._own.connection = None
            return Outcome(OutcomeKind.BUSY, detail=repr(error))
        if status != 200:
            return Outcome(OutcomeKind.BUSY, detail=f"HTTP {status}")
        return Outcome(OutcomeKind.OK, images=(body,) * job.n)

    def _call(self, job: Job) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None or _has_ended(connection):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
            self._own.connection = connection
        order = {"prompt": job.prompt, "width": job.width, "height": job.height}
        connection.request("POST", "/generate", json.dumps(order), {"Idempotency-Key": job.attempt_key})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether the upstream closed it since the last order: then nothing is to be read but its end."""
    return connection.sock is not None and bool(select.select([connection.sock], [], [], 0)[0])
