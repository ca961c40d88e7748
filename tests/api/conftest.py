"""The API on the indexed season."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.conftest import default_database


@pytest.fixture
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[Client]:
    """A client of the web application, whose database holds the whole season."""
    cache.clear()
    with django_db_blocker.unblock(), default_database(indexed_season):
        yield Client()
