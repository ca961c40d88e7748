from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("indexer", "0016_checked_block"),
    ]

    operations = [
        # Room for a new version of each row in its page: one that changes a balance alone then needs no index entry.
        migrations.RunSQL(
            "ALTER TABLE account_totals SET (fillfactor = 50)", "ALTER TABLE account_totals RESET (fillfactor)"
        ),
    ]
