"""kill -9 in the middle of what a process does."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.faults.shop import environment
from tests.processes import ROOT, free_port


def kill_in_the_middle(script: str) -> None:
    """Runs it on this test's own database; once it has printed "in the middle", it is killed."""
    names = ("DATABASE_URL", "REDIS_URL") if connection.vendor == "postgresql" else ()
    changes = {name: os.environ[name] for name in names} | {"DEMO": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(Path(settings.DATA_DIR), free_port(), **changes),
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == b"in the middle\n"
        process.kill()
        process.wait()
