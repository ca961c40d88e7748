from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('indexer', '0015_game_totals'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkpoint',
            name='checked_block',
            field=models.BigIntegerField(null=True),
        ),
    ]
