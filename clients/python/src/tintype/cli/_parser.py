"""The command line."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import Any, NoReturn

from tintype._version import VERSION
from tintype.cli import _commands
from tintype.cli._codes import MEANINGS
from tintype.cli._output import masked

_EPILOG = """\
environment:
  TINTYPE_API_KEY   the key; better than --api-key, which others on the machine can see
  TINTYPE_BASE_URL  the shop, http://localhost:8000 unless set

exit status:
""" + "\n".join(f"  {code:3}  {meaning}" for code, meaning in MEANINGS.items())


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A key that was typed at the wrong place is not repeated."""
        super().error(masked(message))


def parser() -> argparse.ArgumentParser:
    top = Parser(
        prog="tintype",
        description="Orders images from a shop that runs Tintype.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_common()],
    )
    top.add_argument("--version", action="version", version=VERSION)
    top.set_defaults(api_key=None, base_url=None, request_timeout=30.0, retries=4, json=False)
    commands = top.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Any, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words, parents=[_common()])
        made.set_defaults(run=run)
        return made

    _generate(command("generate", _commands.generate, "order images, wait for them and save them"))
    command("balance", _commands.balance, "credits that are available, held and owed")
    command("models", _commands.models, "what is on sale, with prices in credits")
    listing = command("list", _commands.list_generations, "tasks, the newest first")
    listing.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many (usually 20)")
    listing.add_argument("--status", help="queued, running, succeeded, failed or canceled")
    listing.add_argument("--model", help="of this model alone")
    status = command("status", _commands.status, "one task as it is now")
    status.add_argument("id")
    status.add_argument("--wait", action="store_true", help="until it has ended")
    _output(status)
    cancel = command("cancel", _commands.cancel, "stop a task, which costs nothing then")
    cancel.add_argument("id")
    receipt = command("receipt", _commands.receipt, "what was held, tried and charged for a task")
    receipt.add_argument("id")
    usage = command("usage", _commands.usage, "orders, credits and seconds by day, key and model")
    usage.add_argument(
        "--group-by", default="day", metavar="WORDS", help="any of day,key,model (usually day)"
    )
    usage.add_argument("--start", type=datetime.date.fromisoformat, metavar="DAY", help="as 2026-11-22")
    usage.add_argument("--end", type=datetime.date.fromisoformat, metavar="DAY", help="included")
    return top


def _common() -> Parser:
    """Before the command or after it. A new one each time: setting defaults changes them for all who share it."""
    made = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    made.add_argument("--api-key", metavar="KEY", help="instead of TINTYPE_API_KEY")
    made.add_argument("--base-url", metavar="URL", help="instead of TINTYPE_BASE_URL")
    made.add_argument("--request-timeout", type=_seconds, metavar="S", help="for each answer (usually 30)")
    made.add_argument("--retries", type=_count, metavar="N", help="how often to try again (usually 4)")
    made.add_argument("--json", action="store_true", help="the shop's answer as JSON")
    return made


def _generate(made: argparse.ArgumentParser) -> None:
    made.add_argument("prompt")
    shape = made.add_mutually_exclusive_group()
    shape.add_argument("--ratio", metavar="W:H", help="1:1 (usual), 4:3, 3:4, 16:9 or 9:16")
    shape.add_argument("--size", metavar="WxH", help="in pixels, as 1024x768")
    made.add_argument("--seed", type=int, metavar="N", help="the same seed and prompt give the same image")
    made.add_argument("--format", choices=("jpeg", "png", "webp"), help="usually that of the output's ending")
    made.add_argument("--n", type=int, metavar="N", help="how many images")
    made.add_argument("--model", help="see `tintype models`")
    made.add_argument(
        "--metadata", type=_pair, action="append", metavar="K=V", help="kept with the task; may be repeated"
    )
    made.add_argument("--no-wait", action="store_true", help="print the task's id and leave")
    made.add_argument("--idempotency-key", metavar="TEXT", help="the same one never orders twice within 24 h")
    _output(made)


def _output(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where the image goes: a file (file-1, file-2 … for several) or a folder; else its address is printed",
    )
    made.add_argument(
        "--timeout", type=_seconds, default=600.0, metavar="S", help="how long to wait (usually 600)"
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError("looks like name=value")
    return name, value


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("is at least 0")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("is at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e7:
        raise argparse.ArgumentTypeError("is more than 0")
    return number
