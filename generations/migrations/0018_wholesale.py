import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0019_shops'),
        ('generations', '0017_sums_of_shops'),
    ]

    operations = [
        # Those that are there were entered by whoever runs the installation.
        migrations.AddField(
            model_name='upstream',
            name='inside',
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.AlterField(
            model_name='upstream',
            name='inside',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='upstream',
            name='wholesale',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sells_on_by', to='accounts.organization'),
        ),
        migrations.AddConstraint(
            model_name='upstream',
            constraint=models.UniqueConstraint(fields=('shop', 'wholesale'), name='one_upstream_per_wholesale'),
        ),
        migrations.AddField(
            model_name='upstreamstate',
            name='full_until',
            field=models.DateTimeField(null=True),
        ),
    ]
