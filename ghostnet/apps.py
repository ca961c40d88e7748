"""The Django app of the project itself: commands, the admin."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

from ghostnet.observability.logs import log_uncaught_errors


class GhostnetConfig(AppConfig):
    """The app; on start-up it registers the admin, and starts tracing if a collector is configured."""

    name = "ghostnet"

    def ready(self) -> None:
        import_module("ghostnet.admin.registry")
        import_module("ghostnet.admin.requests")
        log_uncaught_errors()
        if settings.GHOSTNET.traces_to:
            import_module("ghostnet.observability.tracing").start_tracing(settings.GHOSTNET.traces_to)


class GhostnetAdminConfig(AdminConfig):
    """Django's admin app with `ghostnet.admin.site.Site` as its site."""

    default_site = "ghostnet.admin.site.Site"
