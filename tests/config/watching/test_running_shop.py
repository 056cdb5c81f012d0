"""A shop with several web processes: whichever is asked tells of the requests of all."""

import re
from pathlib import Path

import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from tests.cast import found, give_credits
from tests.config.watching.conftest import TOKEN
from tests.shop import start

pytestmark = pytest.mark.everyday_on("postgresql")
ASKED = 40


def test_any_process_tells_of_the_requests_of_all(committed_db: None, tmp_path: Path) -> None:
    person = found("someone@studio.example", "Studio")
    give_credits(person.organization, 100)
    _row, key = create_api_key(person.organization, livemode=True)
    changes = {"METRICS_TOKEN": TOKEN, "SANDBOX_SECONDS": "0"}
    processes = 2 if connection.vendor == "postgresql" else 1  # several count limits in Redis
    with start(tmp_path, WEB_PROCESSES=str(processes), **changes) as shop:
        task = shop.order(key)
        for _ in range(ASKED):
            assert shop.ask("GET", f"/api/status?task_id={task}", key)[0] == 200
        told = set()
        for _ in range(8):
            status, _headers, text = shop.ask("GET", "/metrics", TOKEN)
            assert status == 200
            counted = re.search(
                r'tintype_requests_total{method="GET",route="/api/status",status="200"} (\S+)', text
            )
            assert counted
            told.add(float(counted[1]))
        assert told == {ASKED}
        assert shop.ask("GET", "/metrics")[0] == 404
        folders = list((shop.data_dir / "metrics").iterdir())
        assert len([one for folder in folders for one in folder.glob("counter_*.db")]) >= processes
