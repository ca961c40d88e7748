"""Whether the indexer is running, and how far behind it is, while nothing is indexed."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.selectors.status import pulse
from indexer.store.alarms import AlarmKind, clear_alarm, raise_alarm
from indexer.sync import heartbeat
from tests.factories import OperatorRequestFactory
from tests.indexing import following
from tests.processes import await_block, await_true
from tests.rows import fetch_one


def test_a_paused_indexer_shows_how_far_behind_it_falls(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    with ReplayServer(season, ReplayOptions(head=100)) as server, following(server, truth.contracts):
        await_block(connection, 100)
        await_true(lambda: head_seen(connection) == 100, "nothing was seen")
        assert not pulse().stalled
        request = OperatorRequestFactory.create(kind="pause").id
        await_true(lambda: done(connection, request), "the indexer was not paused")
        assert pulse().stalled
        server.advance(7)
        await_true(lambda: head_seen(connection) == 107, "the head was not seen")
        await_true(lambda: REGISTRY.get_sample_value("indexer_block_lag") == 7, "the lag was not measured")
        OperatorRequestFactory.create(kind="resume")
        await_block(connection, 107)
        await_true(lambda: not pulse().stalled, "it is still stalled")


def head_seen(connection: Connection[Any]) -> int | None:
    row = connection.execute("SELECT chain_head FROM heartbeats").fetchone()
    return None if row is None else row[0]


def done(connection: Connection[Any], request: int) -> bool:
    return bool(fetch_one(connection, f"SELECT done_at IS NOT NULL FROM operator_requests WHERE id = {request}"))


def test_a_silent_or_halted_indexer_is_stalled(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season[:50]) as server, following(server, truth.contracts):
        await_true(lambda: head_seen(connection) == 49, "nothing was seen")
        await_block(connection, 49)
    assert not pulse().stalled
    for kind, stalled in ((AlarmKind.HALTED, True), (AlarmKind.AUDIT, False)):
        raise_alarm(connection, kind, "…")
        assert pulse().stalled == stalled
        clear_alarm(connection, kind)
    connection.execute("UPDATE heartbeats SET seen_at = seen_at - interval '1 minute', chain_head = 60")
    assert (pulse().stalled, pulse().chain_head) == (True, 60)
    connection.execute("UPDATE heartbeats SET seen_at = seen_at + interval '1 hour'")  # the clock was set back
    assert pulse().stalled
    connection.execute("DELETE FROM heartbeats")
    assert (pulse().stalled, pulse().chain_head, pulse().seen_at) == (True, 49, None)
