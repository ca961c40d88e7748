"""Migrate the demo's database and create the operator's account: one process for both commands."""

import os

import django
from django.core.management import call_command


def main() -> None:
    """Run both; the account's name and password come from Django's own variables DJANGO_SUPERUSER_…."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createsuperuser", interactive=False, email="", verbosity=0)


if __name__ == "__main__":
    main()
