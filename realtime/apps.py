"""The Django app of the WebSocket gateway."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """The WebSocket gateway."""

    name = "realtime"
