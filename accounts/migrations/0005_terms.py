import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_mail'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='email_confirmed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='shop',
            name='terms_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=40, verbose_name='version of the terms'),
        ),
        migrations.AddField(
            model_name='shop',
            name='terms_url',
            field=models.CharField(blank=True, db_default='', default='', max_length=300, validators=[django.core.validators.URLValidator(['https', 'http'])], verbose_name='address of the terms'),
        ),
        migrations.AddField(
            model_name='shop',
            name='privacy_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=40, verbose_name='version of the privacy policy'),
        ),
        migrations.AddField(
            model_name='shop',
            name='privacy_url',
            field=models.CharField(blank=True, db_default='', default='', max_length=300, validators=[django.core.validators.URLValidator(['https', 'http'])], verbose_name='address of the privacy policy'),
        ),
        migrations.AlterField(
            model_name='shop',
            name='accent',
            field=models.CharField(default='#a8470a', help_text='Colour as #rrggbb', max_length=7, verbose_name='accent'),
        ),
        migrations.AlterField(
            model_name='shop',
            name='currency',
            field=models.CharField(default='usd', max_length=3, verbose_name='currency'),
        ),
        migrations.AlterField(
            model_name='shop',
            name='name',
            field=models.CharField(default='Tintype', max_length=80, verbose_name='name'),
        ),
        migrations.AddConstraint(
            model_name='shop',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('terms_version', ''), models.Q(('terms_url', ''), _negated=True), _connector='OR'), models.Q(('privacy_version', ''), models.Q(('privacy_url', ''), _negated=True), _connector='OR')), name='shop_shows_what_it_asks_to_accept'),
        ),
        migrations.CreateModel(
            name='Acceptance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('terms', 'Terms of service'), ('privacy', 'Privacy policy')], max_length=10)),
                ('version', models.CharField(max_length=40)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('shop', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='acceptances', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'shop', 'kind', 'version'), name='one_acceptance_per_version'), models.CheckConstraint(condition=models.Q(('kind__in', ['terms', 'privacy'])), name='acceptance_kind_is_known')],
            },
        ),
    ]
