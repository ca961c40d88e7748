from django.db import migrations

from indexer.timescale.operations import RemoveContinuousAggregate, distinct


class Migration(migrations.Migration):
    dependencies = [
        ("indexer", "0012_silent_changes_by_hash"),
    ]

    operations = [
        RemoveContinuousAggregate("token_senders", "token_transfers", {"senders": distinct("sender")}),
    ]
