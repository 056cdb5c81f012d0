from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIELDS = ("shop_id", "kind", "subject", "body", "created_at", "due_at", "sent_at", "tries")


def move(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Billing raises alerts as well, so they live with the shops now."""
    alerts = apps.get_model("accounts", "OperatorAlert").objects
    old = apps.get_model("generations", "OperatorAlert").objects.order_by("pk").values(*FIELDS)
    alerts.bulk_create((alerts.model(**row) for row in old.iterator()), batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_mail'),
        ('generations', '0003_upstreams'),
    ]

    operations = [
        migrations.RunPython(move, migrations.RunPython.noop, elidable=True),
        migrations.DeleteModel(name='OperatorAlert'),
    ]
