"""What the README of the client shows is run as it stands there."""

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from tests.clients.conftest import PACKAGE, environment
from tests.clients.stand_in import KEY, NOW, TASK, StandIn, error
from tintype.cli._codes import MEANINGS

README = (PACKAGE / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"<!-- executed -->\n```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for language, text in SNIPPETS if language == "python"]
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def shown(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Runs a snippet in an empty folder; what it printed."""
    monkeypatch.setenv("TINTYPE_API_KEY", KEY)
    monkeypatch.setenv("TINTYPE_BASE_URL", stand_in.base_url)
    monkeypatch.chdir(tmp_path)

    def run(snippet: str) -> str:
        exec(compile(snippet, "README.md", "exec"), {"__name__": "__main__"})
        return capsys.readouterr().out

    return run


def test_every_snippet_but_the_installation_is_marked() -> None:
    assert len(SNIPPETS) == README.count("\n```\n") - 1


def test_the_commands_work(stand_in: StandIn, tmp_path: Path) -> None:
    [commands] = [text for language, text in SNIPPETS if language == "sh"]
    tintype = f'tintype() {{ {sys.executable} -m tintype "$@"; }}'
    done = subprocess.run(
        ["bash", "-euc", f"{tintype}\n{commands}"], cwd=tmp_path, env=environment(stand_in.base_url),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {
        "lighthouse.jpg",
        "fox-1.png",
        "fox-2.png",
        "barn.jpg",
    }
    assert "available  285" in done.stdout


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_library_is_used_as_shown(stand_in: StandIn, shown: Callable[[str], str], number: int) -> None:
    shown(PYTHON[number])
    assert stand_in.seen or "webhooks" in PYTHON[number]


def test_a_lack_of_credits_is_told_as_shown(stand_in: StandIn, shown: Callable[[str], str]) -> None:
    [snippet] = [text for text in PYTHON if "InsufficientCredits" in text]
    stand_in.then(error(402, "insufficient_credits", required=15, available=3, fix_url="https://x.example/"))
    assert shown(snippet) == "15 needed, 3 there: https://x.example/\n"


def test_the_receiver_of_webhooks_is_right() -> None:
    [snippet] = [text for text in PYTHON if "webhooks" in text]
    names: dict[str, object] = {}
    exec(snippet, names)
    receive = names["receive"]
    assert callable(receive)
    body = json.dumps({"type": "generation.succeeded", "timestamp": NOW, "data": {"id": TASK}})
    now = datetime.datetime.now(datetime.UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
    }
    assert receive(body.encode(), headers, SECRET) == 204
    assert receive(body.encode() + b" ", headers, SECRET) == 400


def test_the_table_of_exit_statuses_is_that_of_the_command() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE))
    assert rows == {str(int(code)): meaning for code, meaning in MEANINGS.items()}


def test_the_table_of_resources_names_what_there_is() -> None:
    from tintype import Tintype, _resources

    table = README.partition("| `generate` `download`")[2].partition("\n\n")[0]
    shown = set(re.findall(r"`(\w+)`", table)) | {"generate", "download"}
    resources = {
        "generations": _resources.Generations,
        "keys": _resources.Keys,
        "webhook_endpoints": _resources.WebhookEndpoints,
        "webhook_deliveries": _resources.WebhookDeliveries,
    }
    offered = {name for one in resources.values() for name in vars(one) if not name.startswith("_")}
    own = {name for name in vars(Tintype) if not name.startswith("_")} - {"run", "close"}
    assert shown == offered | own | set(resources)
