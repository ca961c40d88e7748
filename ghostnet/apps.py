"""The Django app of the project itself: commands, the admin."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig

from ghostnet.observability.logs import log_uncaught_errors


class GhostnetConfig(AppConfig):
    """The app; on start-up it starts tracing if a collector is configured."""

    name = "ghostnet"

    def ready(self) -> None:
        log_uncaught_errors()
        if settings.GHOSTNET.traces_to:
            import_module("ghostnet.observability.tracing").start_tracing(settings.GHOSTNET.traces_to)


class GhostnetAdminConfig(SimpleAdminConfig):
    """Django's admin app with `ghostnet.admin.site.Site` as its site; what is in it is imported with the URLs, which
    only a web server needs."""

    default_site = "ghostnet.admin.site.Site"
