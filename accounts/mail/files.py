"""Mail of a shop without a mail server: files in settings.MAILS_DIR, the newest of which are kept."""

import os
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage as Parsed
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

KEPT = 200
_NAME = re.compile(r"\d{16,20}-[0-9a-f]{8}\.eml")


class FileBackend(BaseEmailBackend):
    """As settings.EMAIL_BACKEND."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.MAILS_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            unfinished = folder / f"{time.time_ns()}-{secrets.token_hex(4)}"
            descriptor = os.open(
                unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
            )  # links in it open accounts
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.message().as_bytes())
            unfinished.rename(unfinished.with_suffix(".eml"))
        for old in _files()[KEPT:]:
            old.unlink(missing_ok=True)
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Mail:
    name: str
    sender: str
    to: str
    subject: str
    sent: str
    text: str


def newest(count: int) -> list[Mail]:
    found = (read(file.name) for file in _files()[:count])
    return [mail for mail in found if mail is not None]


def read(name: str) -> Mail | None:
    """None: there is none of this name (any more)."""
    if not _NAME.fullmatch(name):
        return None
    try:
        content = (Path(settings.MAILS_DIR) / name).read_bytes()
    except FileNotFoundError:
        return None
    message = message_from_bytes(content, _class=Parsed, policy=default)
    body = message.get_body(("plain",))
    return Mail(
        name,
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        sent=str(message["Date"] or ""),
        text=body.get_content() if body is not None else "",
    )


def _files() -> list[Path]:
    """The newest first: names begin with the time."""
    try:
        return sorted(Path(settings.MAILS_DIR).glob("*.eml"), reverse=True)
    except FileNotFoundError:
        return []
