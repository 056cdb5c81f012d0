"""`manage.py doctor`: a line for each thing looked at, exit 1 when something does not work, and no secrets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from config import doctor
from config.doctor import mail
from config.doctor.findings import Finding
from config.management.commands.doctor import Command
from tests.accounts.commands import Shell, in_a_process
from tests.mail import Mailbox
from tests.processes import free_port


@pytest.fixture
def shell(committed_db: None, capsys: pytest.CaptureFixture[str], settings: Settings) -> Shell:
    settings.DATA_DIR.chmod(0o700)
    settings.EMAIL_BACKEND = mail.FILES  # pytest puts another in its place
    return Shell(capsys)


def test_of_a_healthy_shop_everything_is_looked_at_and_nothing_is_an_error(shell: Shell) -> None:
    done = shell("doctor", "--json")
    assert (done.code, done.err) == (0, ""), done.out
    found = json.loads(done.out)
    assert {finding["check"] for finding in found["findings"]} == {check.name for check in doctor.CHECKS}
    assert "error" not in {finding["level"] for finding in found["findings"]}
    assert found["status"] == "warning", "Nobody may enter the desk yet"
    lines = shell("doctor").out.splitlines()
    assert len(lines) == len(found["findings"])
    assert all(line.split()[0] in ("ok", "warning") for line in lines)


def test_one_mail_is_sent_where_it_is_wished(shell: Shell, mailbox: Mailbox) -> None:
    shell("doctor")
    assert mailbox.raw == [], "Looking sends nothing"
    done = shell("doctor", "--mail-to", "me@shop.example")
    assert done.out.splitlines()[-1].startswith("ok       mail: one mail is on its way to me@shop.example")
    assert [message["To"] for message in mailbox.messages] == ["me@shop.example"]
    assert shell.refusal("doctor", "--mail-to", "me") == "--mail-to: expected an e-mail address."


def test_what_is_away_is_an_error_without_its_password(tmp_path: Path) -> None:
    done = in_a_process(
        "doctor",
        DATA_DIR=str(tmp_path),
        DEMO="0",
        DATABASE_URL=f"postgresql://tintype:hush-hush@127.0.0.1:{free_port()}/tintype",
        REDIS_URL=f"redis://:hush-hush@127.0.0.1:{free_port()}/0",
        EMAIL_URL=f"smtp://shop:hush-hush@127.0.0.1:{free_port()}",
    )
    assert done.code == 1
    errors = [line for line in done.out.splitlines() if line.startswith("error")]
    assert [line.split()[1] for line in errors] == ["database:", "broker:", "mail:"]
    assert done.out.count("not looked at: it needs the database.") == 5
    assert "hush" not in done.out + done.err


def test_a_check_that_breaks_is_a_finding_and_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> Iterator[Finding]:
        yield from [Finding("ok", str(int("hush-hush")))]

    monkeypatch.setattr(doctor, "CHECKS", (doctor.Check("broken", breaks),))
    written: list[str] = []
    command: Any = Command()
    monkeypatch.setattr(command.stdout, "write", written.append)
    with pytest.raises(SystemExit) as ended:
        command.work(json=False, mail_to="")
    assert ended.value.code == 1
    assert written == [
        "error    broken: the check itself failed: ValueError. This is a bug: please report it."
    ]
