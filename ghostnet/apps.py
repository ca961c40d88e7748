"""The Django app of the frame: its commands and checks."""

from importlib import import_module

from django.apps import AppConfig


class GhostnetConfig(AppConfig):
    """Commands and start-up checks."""

    name = "ghostnet"

    def ready(self) -> None:
        import_module("ghostnet.checks")
