"""Blocks with more logs than a node returns at once: requested contract by contract, then event by event."""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from indexer.chain import block_logs, completeness, consistency
from indexer.chain.errors import Inconsistent, NodeError, RangeTooLarge
from indexer.domain.events import Approval, Initialized, Transfer
from indexer.replay.limits import Limits
from indexer.replay.recording import RecordedBlock, RecordedLog
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES, ChainBuilder, Event, user
from tests.incomplete_node import IncompleteNode
from tests.indexer.chain.ways import BY_HASH, BY_RANGE, fetch, log_counts

EVENTS: list[Event] = [
    ("DataToken", Transfer(user(1), user(2), 1)),
    ("DataToken", Approval(user(1), user(2), 1)),
    ("DataToken", Transfer(user(2), user(1), 1)),
    ("GhostCore", Initialized(1)),
]
LOGS = 40
OF_TOKEN, OF_TRANSFER = 30, 20
"""The logs of block 1: all, those of one contract, those of one of its events."""
UNKNOWN = RecordedLog(ADDRESSES["DataToken"], ["0x" + "77" * 32], "0x")


def chain(*logs: RecordedLog) -> list[RecordedBlock]:
    """Three blocks, the second one with LOGS logs, and these after them."""
    building = ChainBuilder()
    building.block(building.transaction(*(EVENTS * (LOGS // len(EVENTS))), logs=logs))
    building.block()
    return building.blocks


class WordyServer(ReplayServer):
    """A node that refuses lists of more than so many logs in words, and with a code, of its own."""

    most = LOGS

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getLogs" and len(msgspec.json.decode(answer)) > self.most:
            raise Refusal(-32000, "the moon is full")
        return answer


def node_of(kind: str, most: int) -> ReplayServer:
    """A node that returns at most `most` logs at once."""
    blocks = chain()
    if kind == "in words":
        server = WordyServer(blocks)
        server.most = most
        return server
    of_answer = 640 * most + 200
    limits = {
        "by number": Limits(max_results=most),
        "by size": Limits(max_response=of_answer, megaeth=True),
        "of pages": Limits(max_response=of_answer, megaeth=True, cursor_page=LOGS),
    }[kind]
    return ReplayServer(blocks, ReplayOptions(limits=limits))


KINDS = ["by number", "by size", "in words", "of pages"]


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [OF_TOKEN, OF_TRANSFER], ids=["of a contract", "of an event"])
def test_a_block_with_more_logs_than_a_node_returns_is_requested_in_parts(kind: str, way: str, most: int) -> None:
    with ReplayServer(chain()) as server:
        whole = fetch(server, 1, 1, way)
    assert log_counts(whole) == {1: LOGS}
    with node_of(kind, most) as server:
        assert fetch(server, 1, 1, way) == whole
        assert fetch(server, 2, 2, way).log_count == 0


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH])
@pytest.mark.parametrize("kind", KINDS)
def test_where_even_the_logs_of_one_event_are_too_many_it_is_an_error_with_help(
    kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    with node_of(kind, OF_TRANSFER - 1) as server, pytest.raises(NodeError) as raised:
        fetch(server, 1, 1, way)
    assert "GHOSTNET_RPC_URLS" in str(raised.value)
    assert isinstance(raised.value, Inconsistent) if kind == "in words" else "logs of one event" in raised.value.help


def test_several_blocks_are_not_requested_in_parts_but_refused() -> None:
    with node_of("by size", OF_TOKEN) as server:
        with pytest.raises(RangeTooLarge, match="-32020"):
            fetch(server, 0, 2, BY_RANGE)
        assert fetch(server, 0, 2, BY_HASH).log_count == LOGS


def test_logs_left_out_of_a_part_are_shown_by_the_block_s_bloom(monkeypatch: pytest.MonkeyPatch) -> None:
    """GhostCore has few logs, so that the bloom says which contracts have some; the node refuses the whole list."""
    monkeypatch.setattr(block_logs, "PAUSE_SECONDS", 0.002)
    with IncompleteNode(chain(), ReplayOptions(limits=Limits(max_results=OF_TOKEN))) as server:
        server.left_out, server.contract, server.times = 1, ADDRESSES["GhostCore"], 2
        assert fetch(server, 1, 1, BY_HASH).log_count == LOGS
        assert server.times == 0


def test_that_logs_of_unknown_events_can_t_be_requested_event_by_event_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with ReplayServer(chain(UNKNOWN), ReplayOptions(limits=Limits(max_results=OF_TOKEN))) as server:
        assert fetch(server, 1, 1, BY_HASH).log_count == LOGS
    (warning,) = caplog.messages
    assert ADDRESSES["DataToken"] in warning
    assert "unknown events" in warning


def test_an_unknown_event_in_a_list_that_may_be_truncated_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "TRUNCATION_MULTIPLE", 1)
    with ReplayServer(chain(UNKNOWN)) as server:
        fetched = fetch(server, 1, 1, BY_HASH)
    (block,) = fetched.blocks
    assert [log.topics for log in block.logs][-1] == UNKNOWN.topics
    assert fetched.log_count == LOGS + 1
