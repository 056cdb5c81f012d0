"""Makes images on a GPU of this machine, until SIGTERM."""

import os
import socket
import sys
from typing import Any

from django.conf import settings

from accounts.management.base import OperatorCommand
from generations.engine.config import EngineConfig

# Of several workers on one machine each has its own.
QUIET = {
    "CELERY_WORKER_WITHOUT_GOSSIP": "1",
    "CELERY_WORKER_WITHOUT_MINGLE": "1",
    "CELERY_WORKER_WITHOUT_HEARTBEAT": "1",
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
}


class Command(OperatorCommand):
    help = (
        "Load the model of GPU_MODEL onto GPU_DEVICE and make the orders of upstreams of the kind `local` until "
        "SIGTERM. One for each card; start it again whenever it ends."
    )

    def work(self, **options: Any) -> None:
        problems = list(EngineConfig.from_settings().problems())
        if problems:
            self.refuse("\n".join(problems))
        name = f"gpu{os.getpid()}@{socket.gethostname()}"
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "gpu", "-P", "threads"]
        command += ["-c", str(settings.GPU_THREADS), "-n", name]
        sys.stdout.flush()
        os.chdir(settings.BASE_DIR)
        os.execve(  # noqa: S606 - ourselves
            sys.executable, command, {**QUIET, **os.environ, "GPU_WORKER": "1"}
        )
