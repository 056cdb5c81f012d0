from django.db import migrations, models

FINE = {
    "AddConstraint one_slug_per_shop: nobody can write to organization as long as it takes": (
        "A row for each customer, which are written when somebody signs up: a hundred thousand take a fifth of a second."
    ),
}


class Migration(migrations.Migration):
    """A short name is taken within a shop alone: over all shops it told that somebody elsewhere is called so.

    The release before looks for free ones among all, and so finds some that are free in its shop as well. Taken back, it
    needs names that are different again: rename those that are there twice first.
    """

    dependencies = [("accounts", "0021_closing_shops")]

    operations = [
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.UniqueConstraint(fields=["shop", "slug"], name="one_slug_per_shop"),
        ),
        migrations.AlterField(
            model_name="organization", name="slug", field=models.SlugField(max_length=60)
        ),
    ]
