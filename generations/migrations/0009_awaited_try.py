from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generations', '0006_own_facts'),
    ]

    operations = [
        migrations.AddField(
            model_name='generation',
            name='awaited_try',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(
                fields=['request_digest'],
                condition=models.Q(('awaited_try__isnull', False)),
                name='generation_awaited',
            ),
        ),
    ]
