from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('indexer', '0008_fence'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('chain_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('seen_at', models.DateTimeField()),
                ('chain_head', models.BigIntegerField()),
            ],
            options={
                'db_table': 'heartbeats',
            },
        ),
    ]
