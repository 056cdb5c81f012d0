from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_gifts'),
    ]

    operations = [
        migrations.AddField(
            model_name='autotopup',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='autotopup',
            name='told_day',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='autotopup',
            name='refusals',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='autotopup',
            name='stopped_reason',
            field=models.CharField(blank=True, choices=[('declined', 'The card was declined three times'), ('no_card', 'There is no saved card'), ('no_pack', 'The pack is no longer sold'), ('given_back', 'A payment was given back or disputed'), ('tax', 'This shop adds taxes, which it can only do on the page where you pay')], max_length=10),
        ),
        migrations.AddField(
            model_name='payment',
            name='rule_version',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
