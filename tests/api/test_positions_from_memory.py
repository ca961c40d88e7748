"""Answers from memory are those of the views, to the byte."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from api.positions_from_memory import PositionsFromMemory
from ghostnet.http.handler import Answer, respond
from indexer.stream.connection import connect
from indexer.stream.positions import CurrentPositions
from tests.api.paths import PLAYER
from tests.databases import default_database

NOBODY = "0x" + "ab" * 20


@pytest.fixture(scope="module")
def positions(indexed_season: str, django_db_blocker: Any) -> Iterator[CurrentPositions]:
    async def read() -> CurrentPositions:
        found = CurrentPositions()
        async with await connect("ghostnet test") as connection:
            await found.read_all(connection)
        return found

    with django_db_blocker.unblock(), default_database(indexed_season):
        yield asyncio.run(read())


def view(path: str, accepted: bytes) -> Answer:
    headers = [(b"accept-encoding", accepted)] if accepted else []
    return respond({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers})


def plain(answer: Answer) -> bytes:
    return gzip.decompress(answer.body) if (b"Content-Encoding", b"gzip") in answer.headers else answer.body


def named(answer: Answer) -> dict[bytes, bytes]:
    """The headers; the length of what is compressed is random."""
    headers = dict(answer.headers)
    assert len(headers) == len(answer.headers)
    assert int(headers.pop(b"Content-Length")) == len(answer.body)
    return headers


@pytest.mark.parametrize("accepted", [b"", b"gzip"])
@pytest.mark.parametrize("player", [PLAYER, "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb", NOBODY])
def test_a_position_from_memory_is_the_view_s(positions: CurrentPositions, player: str, accepted: bytes) -> None:
    path = f"/api/v1/positions/{player.lower()}"
    block = positions.block
    assert block is not None
    known, computed = PositionsFromMemory(positions)(path, b"", bool(accepted), block), view(path, accepted)
    assert known is not None
    assert plain(known) == plain(computed)
    assert named(known) == named(computed)
    assert (known.status, known.endpoint, known.tag, known.block) == (
        computed.status,
        computed.endpoint,
        computed.tag,
        computed.block,
    )


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/api/v1/positions/{NOBODY}", b"at_block=5"),
        (f"/api/v1/positions/{NOBODY}", b"at=5"),
        (f"/api/v1/positions/{NOBODY}/history", b""),
        (f"/api/v1/positions/{NOBODY[:-1]}", b""),
        ("/api/v1/positions", b""),
    ],
)
def test_everything_else_is_left_to_the_views(positions: CurrentPositions, path: str, query: bytes) -> None:
    assert positions.block is not None
    assert PositionsFromMemory(positions)(path, query, False, positions.block) is None


def test_nothing_is_answered_of_another_state(positions: CurrentPositions) -> None:
    assert positions.block is not None
    newer = replace(positions.block, revision=positions.block.revision + 1)
    assert PositionsFromMemory(positions)(f"/api/v1/positions/{NOBODY}", b"", False, newer) is None
    assert PositionsFromMemory(CurrentPositions())(f"/api/v1/positions/{NOBODY}", b"", False, positions.block) is None
