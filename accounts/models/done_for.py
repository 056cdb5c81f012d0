"""What was done at the desk, by the shop that it was about."""

from django.db import models

from accounts.models.tenancy import Shop


class DoneFor(models.Model):
    """Beside an entry of the desk's own log, which knows no shops. Without one it is the platform's own business."""

    entry = models.OneToOneField(
        "admin.LogEntry", on_delete=models.CASCADE, primary_key=True, related_name="done_for"
    )
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.shop_id}"
