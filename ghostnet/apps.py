"""The Django app of the project itself: commands, the admin."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.db import connections
from django.db.models.signals import post_migrate

from ghostnet.observability.logs import log_uncaught_errors
from indexer.store.lock import SCHEMA_LOCK


class GhostnetConfig(AppConfig):
    """The app; on start-up it starts tracing if a collector is configured."""

    name = "ghostnet"

    def ready(self) -> None:
        log_uncaught_errors()
        post_migrate.connect(_end_migrating, sender=apps.get_app_config("indexer"))
        if settings.GHOSTNET.traces_to:
            import_module("ghostnet.observability.tracing").start_tracing(settings.GHOSTNET.traces_to)


class GhostnetAdminConfig(SimpleAdminConfig):
    """Django's admin app with `ghostnet.admin.site.Site` as its site; what is in it is imported with the URLs, which
    only a web server needs."""

    default_site = "ghostnet.admin.site.Site"


def _end_migrating(using: str, **signal: Any) -> None:
    """Release what `ghostnet.database` acquires before migrations, in processes that go on after them."""
    SCHEMA_LOCK.release(connections[using].connection)
