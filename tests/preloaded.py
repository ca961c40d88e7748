"""The project, imported and set up by the interpreter that is forked; its settings are forgotten afterwards.

A fork reads its own environment and settings, and sets Django up again as any process does at its start, which then
finds all modules imported. `ghostnet.asgi`, which reads settings when it is imported, is left to the fork.
"""

import os
import sys
import threading
from importlib import import_module
from typing import Final

import django
from django.apps import apps
from django.conf import global_settings, settings
from django.core.management import get_commands
from django.db import connections
from django.utils.functional import empty

from tests.passwords import hash_quickly

SETTINGS: Final = "ghostnet.settings"
MODULES: Final = (
    "ghostnet.http.bodies",
    "ghostnet.http.edge",
    "ghostnet.http.caching_frontend",
    "ghostnet.http.page_slots",
    "ghostnet.urls",
    "realtime.routing",
)
"""With what they import, all of the project that a start of the web server imports."""


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    django.setup()
    for module in MODULES:
        import_module(module)
    for command, app in get_commands().items():
        if isinstance(app, str) and app.startswith(("ghostnet", "indexer", "api", "realtime")):
            import_module(f"{app}.management.commands.{command}")


def _forget_settings() -> None:
    """Let Django read settings and populate its apps as if for the first time. What libraries have added to the
    settings when they were imported, their defaults, they would not add again: it becomes a default of Django's."""
    project = sys.modules.pop(SETTINGS)
    for name, value in vars(vars(settings)["_wrapped"]).items():
        if name.isupper() and not hasattr(project, name):
            setattr(global_settings, name, value)
    settings._wrapped = empty
    vars(connections).clear()  # they were configured for the names of tables
    connections.__init__()  # type: ignore[misc]
    apps.app_configs.clear()
    apps.apps_ready = apps.models_ready = apps.ready = apps.loading = False
    apps.ready_event.clear()


_set_up()
_forget_settings()
hash_quickly()
assert threading.active_count() == 1, "a fork has no thread but the one that forked"
