from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_own_permissions"),
    ]

    operations = [
        migrations.AddField(
            model_name="stripeaccount",
            name="sealed_key",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="stripeaccount",
            name="sealed_webhook_secrets",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="stripeaccount",
            name="key_digest",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="stripeaccount",
            name="tax",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="stripeaccount",
            name="promotion_codes",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="stripeaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("sealed_key", ""), _negated=True),
                fields=("shop",),
                name="one_stripe_key_per_shop",
            ),
        ),
        migrations.AddConstraint(
            model_name="stripeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("key_digest", None), ("sealed_key", ""), ("sealed_webhook_secrets", "")),
                    models.Q(
                        models.Q(("sealed_key", ""), _negated=True),
                        models.Q(("sealed_webhook_secrets", ""), _negated=True),
                        ("key_digest__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="stripe_credentials_are_whole",
            ),
        ),
    ]
