"""What a password has to be, beside what Django asks of it."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.names import can_be_seen


class SeenPasswordValidator:
    """Ten spaces are no secret."""

    def validate(self, password: str, user: object = None) -> None:
        """Raises ValidationError."""
        if not can_be_seen(password):
            raise ValidationError(self.get_help_text(), code="password_unseen")

    def get_help_text(self) -> str:
        return _("A password needs signs that can be seen, not spaces alone.")
