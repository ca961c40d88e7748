"""The feed over HTTP: what `/ws` would send, the newest first."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from indexer.store.database import connect
from tests.databases import default_database
from tests.realtime.socket import ask, dial, receive
from tests.stream.expected import expected_feed
from tests.web import WebClient


@pytest.fixture
def season_tables(indexed_season: str, django_db_blocker: Any) -> Iterator[Connection[Any]]:
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        yield connection


def all_pages(client: WebClient, channel: str) -> list[dict[str, Any]]:
    found, before = [], ""
    while True:
        page = client.get(f"/api/v1/feed?channel={channel}&limit=100{before}").json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        before = f"&before={page['next_cursor']}"


@pytest.mark.parametrize("channel", ["deaths", "system", "fees", "scans"])
def test_a_channel_page_by_page_is_all_of_it(client: WebClient, season_tables: Connection[Any], channel: str) -> None:
    places = [int(frame["id"]) for frame in all_pages(client, channel)]
    assert places == sorted(expected_feed(season_tables, [channel]), reverse=True)


def test_the_frames_are_those_of_the_socket_which_goes_on_from_the_cursor(client: WebClient) -> None:
    answer = client.get("/api/v1/feed?limit=20")
    cursor = answer["X-Feed-Cursor"]

    async def work() -> list[Any]:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=["feed"], last=20)
            await ask(socket, type="PING")
            assert (await receive(socket))["head"] == cursor
            frames = []
            while (frame := await receive(socket))["type"] != "PONG":
                frames.append(frame)
            return frames

    frames = asyncio.run(asyncio.wait_for(work(), 150))
    assert [frame["event"] for frame in reversed(frames)] == [frame["event"] for frame in answer.json()["items"]]
    assert [frame["id"] for frame in reversed(frames)] == [frame["id"] for frame in answer.json()["items"]]
