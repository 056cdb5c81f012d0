"""People from before there was a sign-up are known to allauth as well: with the address that they sign in with."""

from django.db import migrations


def give_addresses(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    known = EmailAddress.objects.values("user")
    rows = []
    for pk, email in User.objects.exclude(pk__in=known).exclude(email="").values_list("pk", "email").iterator(2000):
        rows.append(EmailAddress(user_id=pk, email=email, primary=True, verified=True))
    EmailAddress.objects.bulk_create(rows, batch_size=2000)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0007_keys"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(give_addresses, migrations.RunPython.noop)]
