"""CREDENTIALS_KEY: made at the first start, given, replaced."""

import json
import stat
import subprocess
import sys
from pathlib import Path

from tests.config.test_settings_boot import ROOT, boot, environment

ONE, OTHER = "a" * 32, "b" * 32
SHOW = "import json; from config import settings; print(json.dumps(settings.SEALING_KEYS))"


def keys(data_dir: Path, **variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=environment(data_dir, **variables),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    made = keys(tmp_path)
    assert made == keys(tmp_path)
    file = tmp_path / "secrets" / "credentials_key"
    assert [file.read_text()] == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made[0] != (tmp_path / "secrets" / "secret_key").read_text()


def test_several_are_given_newest_first(tmp_path: Path) -> None:
    assert keys(tmp_path, CREDENTIALS_KEY=f"{ONE}, {OTHER}") == [ONE, OTHER]


def test_they_can_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{ONE},{OTHER}\n")
    assert keys(tmp_path, CREDENTIALS_KEY_FILE=str(file)) == [ONE, OTHER]


def test_short_one_stops_the_boot_without_being_printed(tmp_path: Path) -> None:
    for value in ("short-secret", f"{ONE},short-secret", f"{ONE},"):
        done = boot(tmp_path, CREDENTIALS_KEY=value)
        assert done.returncode == 1
        assert "CREDENTIALS_KEY: too short, use at least 32 characters" in done.stderr
        assert "short-secret" not in done.stderr.splitlines()[-1]
