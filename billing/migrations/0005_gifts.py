import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_mail'),
        ('billing', '0004_payments'),
    ]

    operations = [
        migrations.CreateModel(
            name='BalanceNotice',
            fields=[
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='balance_notice', serialize=False, to='accounts.organization')),
                ('threshold_credits', models.PositiveBigIntegerField()),
                ('low_since', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('threshold_credits__gte', 1)), name='balance_threshold_is_positive')],
            },
        ),
        migrations.CreateModel(
            name='Voucher',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, verbose_name='code')),
                ('credits', models.PositiveIntegerField(verbose_name='credits')),
                ('starts_at', models.DateTimeField(blank=True, null=True, verbose_name='valid from')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='valid until')),
                ('total_limit', models.PositiveIntegerField(blank=True, null=True, verbose_name='times in all')),
                ('per_organization_limit', models.PositiveIntegerField(default=1, verbose_name='times per organization')),
                ('per_person_limit', models.PositiveIntegerField(default=1, verbose_name='times per person')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('redeemed', models.PositiveIntegerField(default=0, verbose_name='redeemed')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='vouchers', to='accounts.shop')),
            ],
            options={
                'verbose_name': 'voucher',
                'constraints': [
                    models.UniqueConstraint(fields=('shop', 'code'), name='one_voucher_per_code'),
                    models.CheckConstraint(condition=models.Q(('code__regex', '^[A-Z0-9-]{4,40}$')), name='voucher_code_can_be_typed'),
                    models.CheckConstraint(condition=models.Q(('credits__gte', 1)), name='voucher_brings_credits'),
                    models.CheckConstraint(condition=models.Q(('per_organization_limit__gte', 1), ('per_person_limit__gte', 1)), name='voucher_can_be_used'),
                    models.CheckConstraint(condition=models.Q(('total_limit', None), ('redeemed__lte', models.F('total_limit')), _connector='OR'), name='voucher_is_within_its_limit'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Redemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.UUIDField()),
                ('credits', models.PositiveIntegerField()),
                ('organization_number', models.PositiveIntegerField()),
                ('person_number', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('voucher', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='redemptions', to='billing.voucher')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('voucher', 'organization', 'organization_number'), name='one_redemption_per_organization'), models.UniqueConstraint(fields=('voucher', 'user', 'person_number'), name='one_redemption_per_person')],
            },
        ),
        migrations.CreateModel(
            name='Welcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=60, unique=True)),
                ('credits', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
        ),
        migrations.CreateModel(
            name='WelcomeCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('network', models.CharField(blank=True, max_length=64)),
                ('count', models.PositiveIntegerField(default=0)),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('shop', 'on', 'network'), name='one_welcome_count_per_day')],
            },
        ),
    ]
