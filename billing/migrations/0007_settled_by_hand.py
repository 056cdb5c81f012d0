import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_automatic_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='HandSettlement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('problem', models.CharField(max_length=200)),
                ('reason', models.CharField(max_length=500)),
                ('actor', models.CharField(max_length=60)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='payment',
            name='fraud_warned_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='stripeaccount',
            name='refusals',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='stripeaccount',
            name='refused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='stripeevent',
            name='refusals',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='payment',
            name='status',
            field=models.CharField(choices=[('open', 'Not paid yet'), ('processing', 'On its way'), ('paid', 'Paid'), ('failed', 'Failed'), ('expired', 'Given up'), ('settled', 'Settled by hand')], default='open', max_length=10),
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='payment_words_are_known',
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'processing', 'paid', 'failed', 'expired', 'settled']), ('kind__in', ['checkout', 'automatic'])), name='payment_words_are_known'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'settled'), _negated=True), ('problem', ''), _connector='OR'), name='payment_settled_has_no_problem'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('fraud_warned_at__isnull', False)), fields=['fraud_warned_at'], name='payment_fraud_warned'),
        ),
        migrations.AddField(
            model_name='handsettlement',
            name='payment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='hand_settlement', to='billing.payment'),
        ),
    ]
