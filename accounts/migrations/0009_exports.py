import accounts.models.exports
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_addresses'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['actor', '-id'], name='audit_by_actor'),
        ),
        migrations.AddIndex(
            model_name='organization',
            index=models.Index(condition=models.Q(('closed_at', None), ('closing_at__isnull', False)), fields=['closing_at'], name='organization_closing'),
        ),
        migrations.CreateModel(
            name='DataExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=accounts.models.exports.new_export_id, editable=False, max_length=28, unique=True)),
                ('state', models.CharField(choices=[('waiting', 'Being made'), ('ready', 'Ready'), ('failed', 'Failed'), ('gone', 'Deleted')], default='waiting', max_length=7)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('folder', models.CharField(blank=True, max_length=80)),
                ('part_count', models.PositiveIntegerField(default=0)),
                ('byte_size', models.PositiveBigIntegerField(default=0)),
                ('ready_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='accounts.organization')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at'], name='export_due'), models.Index(condition=models.Q(('state', 'ready')), fields=['expires_at'], name='export_expires')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('organization',), name='one_export_at_a_time'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'ready', 'failed', 'gone'])), name='export_state_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'ready'), _negated=True), ('expires_at__isnull', False), _connector='OR'), name='export_that_is_ready_expires')],
            },
        ),
    ]
