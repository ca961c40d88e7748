"""The Django app of the indexer: models, migrations and commands."""

from django.apps import AppConfig


class IndexerConfig(AppConfig):
    """Tables and commands of the indexer."""

    name = "indexer"
    default_auto_field = "django.db.models.BigAutoField"
