import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_people'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='family',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='accounts.apikey'),
        ),
    ]
