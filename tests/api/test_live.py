"""The API while the chain goes on: no answer is older than it says, and none mixes two blocks."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.filling import fill
from tests.indexing import following, index
from tests.processes import FENCE, await_begun, await_tip, await_true, live
from tests.rows import fetch_one
from tests.web import WebClient, web

HEAD = 300


@pytest.fixture
def node(connection: Connection[Any], season: list[RecordedBlock], truth: Truth) -> Iterator[ReplayServer]:
    """A node at block 300 that the indexer follows."""
    fill(connection, HEAD)
    fence = fetch_one(connection, FENCE)
    with ReplayServer(season, ReplayOptions(head=HEAD)) as server, following(server, truth.contracts, ws=True):
        await_begun(connection, fence)
        yield server


def test_min_block_waits_for_the_commit_and_no_longer(database: str, node: ReplayServer) -> None:
    with web(database, GHOSTNET_LONGEST_WAIT="5") as client, ThreadPoolExecutor(1) as pool:
        client.get("/api/v1/status")
        waiting = pool.submit(client.get, f"/api/v1/status?min_block={HEAD + 1}")
        time.sleep(0.3)
        assert not waiting.done()
        node.advance()
        answer = waiting.result(timeout=40)
        assert answer.status_code == 200
        assert answer["X-Indexed-Block"] == str(HEAD + 1)
        assert client.get(f"/api/v1/status?min_block={HEAD}").status_code == 200


def test_a_block_that_does_not_come_is_425_after_the_longest_wait(database: str, node: ReplayServer) -> None:
    with web(database, GHOSTNET_LONGEST_WAIT="0.5") as client:
        client.get("/api/v1/status")
        started = time.monotonic()
        answer = client.get(f"/api/v1/status?min_block={HEAD + 1}")
        assert (answer.status_code, answer["Retry-After"]) == (425, "1")
        assert time.monotonic() - started >= 0.5


def test_a_commit_is_seen_at_once_by_all_web_processes(database: str, node: ReplayServer) -> None:
    with web(database) as first, web(database) as second:
        for client in (first, second):
            for _ in range(2):
                assert client.get("/api/v1/stats")["X-Indexed-Block"] == str(HEAD)
        for block in range(HEAD + 1, HEAD + 4):
            node.advance()
            for client in (first, second):
                assert client.get(f"/api/v1/stats?min_block={block}").status_code == 200
                answer = client.get("/api/v1/stats")
                assert answer["X-Indexed-Block"] == str(block)


def test_what_many_ask_is_computed_once(database: str, node: ReplayServer) -> None:
    with web(database) as client, ThreadPoolExecutor(20) as pool:
        client.await_sharing("/api/v1/leaderboard/losses")
        hits, misses = (client.counted(counter) for counter in ("cache_hits_total", "cache_misses_total"))
        clients = [WebClient(client.url) for _ in range(20)]
        answers = list(pool.map(lambda one: one.get("/api/v1/leaderboard/earnings"), clients))
        assert len({answer.content for answer in answers}) == 1
        assert client.counted("cache_misses_total") == misses + 1
        assert client.counted("cache_hits_total") == hits + 19


def test_every_answer_is_of_the_one_block_that_it_names(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """While blocks come and go, position answers are collected; those of blocks that stayed must equal what the
    history says of that block."""
    players = ["0x08a14f70b4bc7f46e172ad6795516405eb88f1eb", *_players(season, truth)][:4]
    seen: dict[tuple[str, str, str], bytes] = {}
    contradictions: list[str] = []
    done = threading.Event()

    def await_answer_after(known: set[tuple[str, str]]) -> None:
        await_true(lambda: states() > known, "no answer is of a newer block")

    def states() -> set[tuple[str, str]]:
        return {(block, tip) for _, block, tip in list(seen)}

    def ask(client: WebClient, player: str) -> None:
        while not done.wait(0.01):  # without a pause most answers are only the last one again
            answer = client.get(f"/api/v1/positions/{player}")
            assert answer.status_code == 200, answer.content
            key = (player, answer["X-Indexed-Block"], answer["X-Indexed-Hash"])
            if seen.setdefault(key, answer.content) != answer.content:
                contradictions.append(f"{key}: {seen[key]!r} and {answer.content!r}")

    with live(database, connection, season, HEAD) as node, web(database) as client:
        with ThreadPoolExecutor(len(players)) as pool:
            asking = [pool.submit(ask, WebClient(client.url), player) for player in players]
            for step in range(24):
                known = states()
                node.fork(7, 9) if step % 8 == 7 else node.advance(2)
                if step % 8 >= 6:
                    await_tip(connection, node.chain.blocks[-1].hash)
                await_answer_after(known)
            node.restore_recorded(HEAD + 100)
            await_tip(connection, node.chain.blocks[-1].hash)
            done.set()
            for one in asking:
                one.result()
        canonical = {str(block.number): block.hash for block in node.chain.blocks}
        assert contradictions == []
        assert fetch_one(connection, "SELECT count(*) FROM reorgs") >= 3
        stayed = {key: body for key, body in seen.items() if canonical.get(key[1]) == key[2]}
        assert len({block for _, block, _ in stayed}) > 8
        assert len(stayed) < len(seen), "no answer of a fork that was left was seen"
        for (player, block, _), body in stayed.items():
            assert client.get(f"/api/v1/positions/{player}?at_block={block}").content == body, (player, block)


def test_an_answer_survives_the_loss_of_its_connection(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season[:50]) as node:
        index(node, truth.contracts)
    with web(database) as client:
        before = client.get("/api/v1/stats")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        after = client.get("/api/v1/stats")
        assert (after.status_code, after.content) == (200, before.content)


def _players(season: list[RecordedBlock], truth: Truth) -> list[str]:
    """Players of the truth at the last block before the head."""
    state = truth.checkpoints[max((block for block in truth.checkpoints if int(block) <= 314), key=int)]
    return sorted(state["players"])[:20]
