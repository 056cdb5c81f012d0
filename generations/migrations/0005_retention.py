from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generations', '0004_alerts_move'),
    ]

    operations = [
        migrations.CreateModel(
            name='RetentionMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=60, unique=True)),
                ('up_to', models.BigIntegerField(default=0)),
            ],
        ),
    ]
