import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generations', '0014_watching'),
    ]

    operations = [
        migrations.CreateModel(
            name='GpuWorker',
            fields=[
                ('name', models.CharField(max_length=200, primary_key=True, serialize=False, verbose_name='name')),
                ('device', models.CharField(blank=True, default='', max_length=200, verbose_name='device')),
                ('ready', models.BooleanField(default=False, verbose_name='ready')),
                ('problem', models.CharField(blank=True, default='', max_length=500, verbose_name='problem')),
                ('seconds_per_megapixel', models.FloatField(null=True)),
                ('images', models.PositiveBigIntegerField(default=0, verbose_name='images')),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='seen')),
            ],
            options={
                'verbose_name': 'GPU worker',
            },
        ),
        migrations.AddField(
            model_name='image',
            name='provenance_text',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
    ]
