from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generations', '0008_images_by_attempts'),
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
                fields=['organization', 'request_digest'],
                condition=models.Q(('awaited_try__isnull', False)),
                name='generation_awaited',
            ),
        ),
    ]
