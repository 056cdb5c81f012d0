"""A running shop on the database of this test run: what it commits is seen by the test's own queries."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from tests.faults.shop import Shop, environment, prepare, running
from tests.processes import ROOT, free_port

POSTERS = ROOT / "tests" / "posters.py"


@dataclass(frozen=True, slots=True)
class RunningShop:
    """`environment` is the one that its processes run in."""

    base_url: str
    port: int
    data_dir: Path
    environment: dict[str, str]
    processes: Shop

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def say(self, *arguments: str) -> str:
        """What a command that must succeed prints."""
        done = self.manage(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def organization(self, name: str, credits: int) -> str:
        """The slug of a new one."""
        return self.say(
            "create_organization", name, "--owner", "owner@studio.example", "--credits", str(credits)
        )

    def key(self, slug: str, *options: str) -> str:
        return self.say("create_api_key", slug, *options)

    def ask(
        self, method: str, path: str, key: str = "", body: object = None, **headers: str
    ) -> tuple[int, Message, Any]:
        """Status, headers and decoded body of an answer; `headers` as in `Idempotency_Key="x"`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            named["Authorization"] = f"Bearer {key}"
        if body is not None:
            named["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), named)
            answer = connection.getresponse()
            text = answer.read().decode()
        is_json = "json" in answer.headers.get_content_type()
        return answer.status, answer.headers, json.loads(text) if is_json else text

    def order(self, key: str, prompt: str = "a lighthouse", size: str = "256*256") -> str:
        """The id of a new task."""
        status, _, body = self.ask("POST", "/api/generate", key, {"prompt": prompt, "size": size})
        assert status == 200, body
        task_id: str = body["data"]["task_id"]
        return task_id

    def worker(self) -> psutil.Process:
        [worker] = self.processes.children("worker")
        return worker

    @contextmanager
    def another(self, role: str) -> Iterator[psutil.Process]:
        """A second one of a child that runs, beside the supervisor's; killed afterwards."""
        [like] = self.processes.children(role)
        process = subprocess.Popen(
            like.cmdline(), cwd=ROOT, env=like.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            process.wait()

    def files_of(self, task_id: str) -> list[str]:
        """What lies in the image storage for this task, as `claim/name`."""
        folder = self.data_dir / "images" / task_id
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def post_at_once(self, count: int, key: str, idempotency_key: str = "") -> list[dict[str, object]]:
        """Orders from so many processes at the same moment; `status` and `body` of each answer.

        `key`: one, or several by commas, which take turns.
        """
        command = [sys.executable, str(POSTERS), str(self.port), str(count), key, idempotency_key]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def start(folder: Path, **changes: str) -> Iterator[RunningShop]:
    """An open shop with these settings; stopped afterwards. Ask for `committed_db` before."""
    if connection.vendor == "postgresql":
        changes = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")} | {"DEMO": "1"} | changes
    connection.close()
    with start_elsewhere(folder, Path(settings.DATA_DIR), **changes) as shop:
        yield shop
    connection.close()


@contextmanager
def start_elsewhere(folder: Path, data_dir: Path, **changes: str) -> Iterator[RunningShop]:
    """An open shop with files, and a database and broker if `changes` name them, of its own.

    One process of each kind, so that a test that ends one knows what it ended. No first start: that takes longer.
    """
    changes = {"WEB_PROCESSES": "1", "WORKER_PROCESSES": "1"} | changes
    port = free_port()
    prepare(data_dir)
    with running(folder, data_dir, port=port, changes=changes) as shop:
        address = f"http://127.0.0.1:{port}"
        yield RunningShop(address, port, data_dir, environment(data_dir, port, **changes), shop)
