import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('accounts', '0019_shops'),
    ]

    operations = [
        migrations.CreateModel(
            name='DoneFor',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='done_for', serialize=False, to='admin.logentry')),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop')),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
