from django.db import migrations, models

from accounts.zero_downtime import AddIndexConcurrently


class Migration(migrations.Migration):
    """So that the check of the books finds the order that was made in place of another."""

    atomic = False

    dependencies = [("generations", "0015_own_gpu")]

    operations = [
        AddIndexConcurrently(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("retry_of__isnull", False)),
                fields=["retry_of"],
                name="generation_made_again",
            ),
        ),
    ]
