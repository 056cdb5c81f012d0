"""Mail: connected to, greeted and signed in at, without sending anything; or one mail, where that is wished for."""

import smtplib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from config import env
from config.doctor.findings import Finding, error, ok, warning

FILES = "accounts.mail.files.FileBackend"
CURE = "Correct EMAIL_URL, such as smtp+tls://user:password@host:587."


def look() -> Iterator[Finding]:
    if settings.EMAIL_BACKEND == FILES:
        if settings.DEMO:
            yield ok(f"files in {settings.MAILS_DIR}.")
        else:
            yield error(
                "no mail leaves: nobody can confirm an address or choose a new password.", "Set EMAIL_URL."
            )
        return
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    line: Any = get_connection()
    try:
        line.open()  # greets, encrypts and signs in, each if it was wished for
        line.connection.ehlo_or_helo_if_needed()
    except smtplib.SMTPAuthenticationError as refused:
        yield error(f"{where} refuses our user or password ({refused.smtp_code}).", CURE)
        return
    except smtplib.SMTPNotSupportedError:
        yield error(f"{where} knows no STARTTLS, or no way to sign in.", CURE)
        return
    except (smtplib.SMTPException, OSError) as away:
        reason = getattr(away, "strerror", None) or type(away).__name__
        yield error(f"{where} does not answer as a mail server: {reason}.", CURE)
        return
    finally:
        line.close()
    is_encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if settings.EMAIL_HOST_USER and not is_encrypted and settings.EMAIL_HOST not in env.LOOPBACK_HOSTS:
        yield warning(f"{where}: our password goes there unencrypted.", "Use smtp+tls:// or smtp+ssl://.")
    else:
        yield ok(f"{where} takes mail from us; whether it arrives shows --mail-to ADDRESS.")


def send_one(address: str) -> Iterator[Finding]:
    message = EmailMessage(
        "A test", f"This was sent by manage.py doctor of {settings.PUBLIC_URL}.", to=[address]
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused:
        yield error(f"{address} is refused.", "Try an address of your own; see what the mail server logs.")
    except smtplib.SMTPResponseException as refused:
        yield error(f"the mail was refused ({refused.smtp_code}).", "See what the mail server logs.")
    except (smtplib.SMTPException, OSError) as away:
        yield error(f"the mail could not be sent: {type(away).__name__}.", CURE)
    else:
        yield ok(f"one mail is on its way to {address}: look whether it arrives, and whether as spam.")
