"""The Django app of the frame: its commands and checks."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class GhostnetConfig(AppConfig):
    """Commands and start-up checks."""

    name = "ghostnet"

    def ready(self) -> None:
        import_module("ghostnet.checks")


class GhostnetAdminConfig(AdminConfig):
    """The admin, as `ghostnet.operators.site` has it."""

    default_site = "ghostnet.operators.site.Site"
