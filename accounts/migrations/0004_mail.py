import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_suspended_reason'),
    ]

    operations = [
        migrations.CreateModel(
            name='OperatorAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('kind', models.CharField(choices=[('account', 'An upstream refuses our account'), ('conduct', 'An organization was paused'), ('payment', 'Money does not agree with Stripe'), ('fraud', 'A payment may be fraud')], max_length=10)),
                ('subject', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop')),
            ],
            options={
                'verbose_name': 'alert',
                'abstract': False,
                'indexes': [models.Index(condition=models.Q(('sent_at', None)), fields=['due_at'], name='operatoralert_unsent')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['account', 'conduct', 'payment', 'fraud'])), name='alert_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='QueuedMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('template', models.CharField(blank=True, max_length=60)),
                ('to', models.CharField(blank=True, max_length=254)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField(blank=True)),
                ('html', models.TextField(blank=True)),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop')),
            ],
            options={
                'verbose_name': 'mail',
                'verbose_name_plural': 'mail',
                'abstract': False,
                'indexes': [models.Index(condition=models.Q(('sent_at', None)), fields=['due_at'], name='queuedmail_unsent')],
            },
        ),
    ]
