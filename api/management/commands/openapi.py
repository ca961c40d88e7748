"""Print the OpenAPI document."""

from typing import Any

from django.core.management.base import BaseCommand

from api.api import api
from api.document import openapi_json


class Command(BaseCommand):
    """Writes the OpenAPI document to standard output."""

    help = "Print the API's OpenAPI document, as it stands in docs/openapi.json (`make openapi`)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(openapi_json(api).decode(), ending="")
