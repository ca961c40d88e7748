"""The Django app of the frame: its commands and checks."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

from ghostnet.observability.logs import log_what_nobody_caught


class GhostnetConfig(AppConfig):
    """Commands and start-up checks."""

    name = "ghostnet"

    def ready(self) -> None:
        import_module("ghostnet.checks")
        import_module("ghostnet.admin.registry")
        import_module("ghostnet.admin.requests")
        log_what_nobody_caught()
        if settings.GHOSTNET.traces_to:
            import_module("ghostnet.observability.tracing").start_tracing(settings.GHOSTNET.traces_to)


class GhostnetAdminConfig(AdminConfig):
    """The admin, as `ghostnet.admin.site` has it."""

    default_site = "ghostnet.admin.site.Site"
