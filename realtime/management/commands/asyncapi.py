"""Print the AsyncAPI document."""

from typing import Any

from django.core.management.base import BaseCommand

from realtime.document import asyncapi_json


class Command(BaseCommand):
    """Writes the AsyncAPI document to standard output."""

    help = "Print the AsyncAPI document of /ws, as it stands in docs/asyncapi.json (`make openapi`)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(asyncapi_json().decode(), ending="")
