"""What a page of measured values says about where they come from."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil


def facts(root: Path, page: Path) -> list[str]:
    """Lines of a list: date, commit, machine. `page` itself does not count as a change."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return [
        f"- Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- Commit: {commit(root, page)}",
        f"- Machine: {os.cpu_count()} cores, {memory_gib:.1f} GiB memory, {platform.machine()}",
        f"- Kernel: {platform.system()} {platform.release()}",
        f"- Python: {platform.python_version()}",
    ]


def commit(root: Path, page: Path) -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        name = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", ".", f":!{page}")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}, with changes" if changed else name
