from django.db import migrations, models

from accounts.zero_downtime import AddUniqueConcurrently, AlterFieldAtOnce


def _one(name: str, model: str, owner: str, field: str) -> AddUniqueConcurrently:
    constraint = models.UniqueConstraint(
        condition=models.Q((f"{field}__isnull", False)), fields=(field, owner), name=name
    )
    return AddUniqueConcurrently(model_name=model, constraint=constraint)


def _of_many(model: str, field: str) -> AlterFieldAtOnce:
    return AlterFieldAtOnce(
        model_name=model, name=field, field=models.CharField(max_length=255, null=True)
    )


class Migration(migrations.Migration):
    """What Stripe calls things is unique within an account. First what holds from now on, then what held until now goes,
    so that at no moment a purchase could be written down twice.
    """

    atomic = False

    dependencies = [("billing", "0011_shop_credentials")]

    operations = [
        _one("one_payment_per_session", "payment", "account", "session_id"),
        _one("one_payment_per_intent", "payment", "account", "payment_intent_id"),
        _one("one_refund_per_refund_id", "refund", "payment", "refund_id"),
        _of_many("payment", "session_id"),
        _of_many("payment", "payment_intent_id"),
        _of_many("refund", "refund_id"),
    ]
