"""The Django app of the pages: their template tags and static files."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The spectators' pages."""

    name = "ghostnet.pages"
