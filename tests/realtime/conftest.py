"""Web servers on the season, for tests of `/ws`."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import database_url
from tests.web import WebClient, web


@pytest.fixture(scope="module")
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_CORS_ORIGINS="https://ghostnet.example") as server:
        yield server


@pytest.fixture(scope="module")
def strict_client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    """A server behind a proxy that pings each second and replays the last 100 blocks only."""
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, ping="1", GHOSTNET_REPLAY_BLOCKS="100", GHOSTNET_PROXIES="1") as server:
        yield server
