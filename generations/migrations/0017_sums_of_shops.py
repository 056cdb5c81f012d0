import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import connection, migrations, models

WHY = (
    "Sums are counted from the orders by the beat alone, and read by Today alone. While processes of the release before "
    "still run, both fail there for as long, which is logged; the new ones count what was missed."
)
FINE = {
    "RunSQL: how many rows it touches, and under which locks, nobody can see from here": "A row for each hour there was.",
    "RemoveField hoursum is_final: the release before still reads and writes it": WHY,
    "RemoveField hoursum counted_at: the release before still reads and writes it": WHY,
    "AddField hoursum shop: NOT NULL without a db_default: the release before writes rows without it": WHY,
}
# Sums until now are all of the first shop.
KEEP = """
INSERT INTO generations_countedhour (hour, is_final, counted_at)
SELECT hour, is_final, counted_at FROM generations_hoursum
"""


def first_shop():
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(id) FROM accounts_shop")
        return cursor.fetchone()[0]


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0020_done_for'),
        ('generations', '0016_made_again'),
    ]

    operations = [
        migrations.CreateModel(
            name='CountedHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(unique=True)),
                ('is_final', models.BooleanField(default=False)),
                ('counted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('is_final', False)), fields=['hour'], name='counted_hour_not_final')],
            },
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name='hoursum',
            name='hour_sum_not_final',
        ),
        migrations.RemoveField(
            model_name='hoursum',
            name='is_final',
        ),
        migrations.RemoveField(
            model_name='hoursum',
            name='counted_at',
        ),
        migrations.AlterField(
            model_name='hoursum',
            name='hour',
            field=models.DateTimeField(),
        ),
        migrations.AddField(
            model_name='hoursum',
            name='shop',
            field=models.ForeignKey(default=first_shop, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop'),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='hoursum',
            constraint=models.UniqueConstraint(fields=('hour', 'shop'), name='one_sum_an_hour_and_shop'),
        ),
        migrations.AlterField(
            model_name='alarm',
            name='shop',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.shop'),
        ),
    ]
