"""Lets somebody in again who lost phone, passkeys and recovery codes."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from accounts.models import User
from accounts.signing import second_factor


class Command(OperatorCommand):
    help = (
        "Take away all second factors and passkeys of a person and end their sessions; print their address."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="for operators: how you know them"
        )

    def work(self, **options: Any) -> None:
        email, reason = User.objects.clean_email(options["email"]), options["reason"].strip()
        if not reason:
            self.refuse("--reason must say how you know that it is them.")
        user = User.objects.filter(email=email).first()
        if user is None:
            self.refuse(f"There is nobody with the address {options['email']!r}.")
        if not second_factor.reset(user, reason=reason):
            self.refuse(f"{user.email} has no second factor.")
        self.stdout.write(user.email)
