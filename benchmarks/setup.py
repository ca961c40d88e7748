"""The set-up of every benchmark."""

import os

import django


def set_up(**variables: str) -> None:
    """Set Django up as in production, with these variables of the environment; those that are set already stay."""
    defaults = {
        "DJANGO_SETTINGS_MODULE": "ghostnet.settings",
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": "of a benchmark, of a benchmark, of a benchmark, of one",
    }
    for name, value in (defaults | variables).items():
        os.environ.setdefault(name, value)
    django.setup()
