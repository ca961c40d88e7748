"""The API on the indexed season, over HTTP from a web server of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import database_url
from tests.web import WebClient, web


@pytest.fixture(scope="session")
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    """A client of a web server whose database holds the whole season; it waits for blocks only briefly."""
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_LONGEST_WAIT="0.05") as server:
        yield server
