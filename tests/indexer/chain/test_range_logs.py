"""Logs of a range as nodes give them: by pages, in any order, with times of their own."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from indexer.chain import consistency
from indexer.chain.blocks import FetchedRange
from indexer.chain.errors import Inconsistent
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayServer
from tests.indexer.chain.altered import AlteredServer, Change
from tests.indexer.chain.ways import BY_RANGE, IN_FULL, WAYS, claims_chain, fetch

Log = dict[str, Any]
Page = Callable[[list[Log], Any], tuple[list[Log] | None, Any]]
"""The logs of a page, and its cursor, by all logs of the range and the cursor that was sent."""


class PagedServer(ReplayServer):
    """A node with `eth_getLogsWithCursor`."""

    def __init__(self, blocks: list[RecordedBlock], page: Page) -> None:
        super().__init__(blocks)
        self._page = page

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method != "eth_getLogsWithCursor":
            return super()._result(method, params, socket)
        log_filter = {key: value for key, value in params[0].items() if key != "cursor"}
        logs, cursor = self._page(json.loads(super()._result("eth_getLogs", [log_filter], socket)), _cursor(params))
        return json.dumps({"logs": logs, "cursor": cursor}).encode()


def _cursor(params: Sequence[Any]) -> Any:
    return params[0].get("cursor")


def refuse(logs: list[Log], cursor: Any) -> tuple[list[Log], str]:
    if cursor is not None:
        raise Refusal(-32602, "invalid cursor")
    return logs[:1], "1"


def read(blocks: list[RecordedBlock], change: Change | None = None, way: str = BY_RANGE) -> FetchedRange:
    """A range as a node gives it whose results are changed on their way."""
    with AlteredServer(blocks, change or (lambda method, result: result)) as server:
        return fetch(server, 0, 3, way)


@pytest.mark.parametrize(
    "page",
    [
        lambda logs, cursor: (logs[:2] if cursor is None else [], "again"),
        lambda logs, cursor: (logs[:2] if cursor is None else [], f"{cursor}+"),
        lambda logs, cursor: (logs[int(cursor or 0) :][:2], str(int(cursor or 0) + 1)),
        lambda logs, cursor: (logs[:2], f"{cursor}+"),
        lambda logs, cursor: (logs[:2], "2") if cursor is None else ("none", None),
        refuse,
    ],
    ids=["one cursor", "new cursors", "overlapping pages", "the first page", "no list", "a refusal"],
)
def test_where_pages_go_wrong_or_never_end_logs_are_read_without_them(page: Page) -> None:
    blocks = claims_chain().blocks
    with PagedServer(blocks, page) as server:
        assert fetch(server, 0, 3, BY_RANGE) == read(blocks)
        assert server.statistics.methods["eth_getLogs"] == 1


@pytest.mark.parametrize(
    "page",
    [
        lambda logs, cursor: (
            logs[int(cursor or 0) :][:1] or None,
            int(cursor or 0) + 1 if logs[cursor or 0 :] else "",
        ),
        lambda logs, cursor: (logs, "") if cursor else (None, {"at": [1]}),
    ],
    ids=["numbers, an empty one at the end", "objects"],
)
def test_cursors_may_be_anything(page: Page) -> None:
    blocks = claims_chain().blocks
    with PagedServer(blocks, page) as server:
        assert fetch(server, 0, 3, BY_RANGE) == read(blocks)
        assert server.statistics.methods["eth_getLogs"] == 0


@pytest.mark.parametrize(("first", "length"), [(1, 3), (2, 1)], ids=["several blocks", "one block"])
def test_a_page_that_is_truncated_though_it_has_no_cursor_is_asked_for_again_in_parts(
    first: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    blocks = claims_chain().blocks
    with ReplayServer(blocks) as right, PagedServer(blocks, lambda logs, cursor: (logs[:length], None)) as server:
        assert fetch(server, first, 2, BY_RANGE) == fetch(right, first, 2, BY_RANGE)


def of_logs(change: Callable[[list[Log]], list[Log]]) -> Change:
    return lambda method, result: json.dumps(change(json.loads(result))).encode() if "Logs" in method else result


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", [lambda logs: logs[::-1], lambda logs: [*logs, *logs[-1:]]], ids=["order", "twice"])
def test_the_order_of_the_chain_counts_not_that_of_the_answer(
    way: str, change: Callable[[list[Log]], list[Log]]
) -> None:
    blocks = claims_chain().blocks
    assert read(blocks, of_logs(change), way) == read(blocks, way=way)


def test_two_logs_with_one_number_are_refused() -> None:
    blocks = claims_chain().blocks
    with pytest.raises(Inconsistent, match="out of order or repeated"):
        read(blocks, of_logs(lambda logs: [*logs, *({**log, "data": "0x"} for log in logs[-1:])]))


@pytest.mark.parametrize("way", [BY_RANGE, IN_FULL])
@pytest.mark.parametrize(
    "time",
    [
        lambda place, time: 0,
        lambda place, time: 1000 * time,
        lambda place, time: time + (place == 1),
        lambda place, time: 2**31 - 1,
        lambda place, time: time if place else None,
        lambda place, time: time + 1,
    ],
    ids=["zero", "milliseconds", "one is wrong", "the head's", "one is missing", "a second later"],
)
def test_times_in_logs_that_can_t_be_their_blocks_are_not_believed(
    way: str, time: Callable[[int, int], int | None]
) -> None:
    blocks = claims_chain().blocks

    def changed(logs: list[Log]) -> list[Log]:
        for place, log in enumerate(logs):
            said = time(place, int(log["blockTimestamp"], 16))
            log["blockTimestamp"] = None if said is None else hex(said)
        return logs

    times = {block.number: block.timestamp for block in blocks}
    found = read(blocks, of_logs(changed), way)
    assert {number: header.timestamp for number, header in found.headers.items()} == times
    assert found.log_count == 4


@pytest.mark.parametrize("way", WAYS)
def test_a_bloom_without_digits_says_nothing(way: str) -> None:
    blocks = claims_chain().blocks

    def without(method: str, result: bytes) -> bytes:
        if method != "eth_getBlockByNumber":
            return result
        return json.dumps({**json.loads(result), "logsBloom": "0x"}).encode()

    assert read(blocks, without, way).log_count == 4
