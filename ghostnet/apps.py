"""The Django app of the frame: its commands and checks."""

from django.apps import AppConfig


class GhostnetConfig(AppConfig):
    """Commands and start-up checks."""

    name = "ghostnet"

    def ready(self) -> None:
        from ghostnet import checks  # noqa: F401 - registers itself
