from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0006_own_facts")]

    operations = [
        migrations.AddField("attempt", "delivered", models.JSONField(null=True)),
        migrations.AddField(
            "attempt", "first_index", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
        migrations.AddField("attempt", "n", models.PositiveSmallIntegerField(db_default=1, default=1)),
    ]
