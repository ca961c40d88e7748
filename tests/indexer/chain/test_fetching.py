"""Fetching from a node whose answers may not belong together."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from indexer.chain import consistency, producer
from indexer.chain.errors import Inconsistent
from indexer.chain.options import SourceOptions
from indexer.chain.source import BlockSource
from indexer.domain.chain import Settlement, SilentChange
from indexer.domain.events import DeathsProcessed, DeathsSubmitted, ScanExecuted
from indexer.domain.units import DATA, Hash
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES, TRACE_SCAN, ChainBuilder, submit_deaths, user
from tests.indexer.chain.altered import AlteredServer
from tests.indexer.chain.ways import BY_HASH, BY_RANGE, IN_FULL, WAYS, claims_chain, fetch, log_counts


@pytest.mark.parametrize("way", WAYS)
def test_what_is_ours_is_fetched_whichever_way(way: str) -> None:
    chain = claims_chain()
    with ReplayServer(chain.blocks) as server:
        fetched = fetch(server, 0, 3, way)
    assert log_counts(fetched) == {1: 2, 2: 2}
    assert [transaction for block in fetched.blocks for transaction in block.transactions] == []
    assert (fetched.first, fetched.parent_hash, fetched.first_hash) == (0, "0x" + "0" * 64, chain.blocks[0].hash)
    assert (fetched.last.number, fetched.last.hash, fetched.size) == (3, chain.blocks[3].hash, 4)


def test_of_full_blocks_those_transactions_are_kept_that_hint_at_a_change_and_did_not_fail() -> None:
    """Their calldata holds the call, or a party is one that was named."""
    chain = claims_chain()
    kept = {}
    with ReplayServer(chain.blocks) as server:
        for parties in ({user(3)}, {user(9)}):
            fetched = fetch(server, 0, 3, IN_FULL, parties=parties)
            kept[*parties] = {block.header.number: [one.tx_index for one in block.hinting] for block in fetched.blocks}
    assert kept == {(user(3),): {1: [], 2: [], 3: [0]}, (user(9),): {1: [], 2: [], 3: [0, 2]}}


def test_full_blocks_show_the_successful_direct_call_alone() -> None:
    chain = claims_chain()
    with ReplayServer(chain.blocks) as server:
        fetched = fetch(server, 0, 3, IN_FULL)
    changes = {block.header.number: block.silent_changes for block in fetched.blocks if block.silent_changes}
    assert changes == {3: [SilentChange(0, Hash(chain.blocks[3].txs[0].hash), Settlement(user(1)))]}
    assert fetched.blocks_to_check == [3]


def deaths_chain() -> ChainBuilder:
    """In block 4 somebody dies; other transactions stand before and behind it."""
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(user(1), 100 * DATA, 1)
    chain.events(("TraceScan", ScanExecuted(1, 1, 4711, chain.now)))
    chain.block(
        chain.transaction(to=user(9), calldata="0x11"),
        chain.transaction(
            ("GhostCore", DeathsProcessed(1, 1, 100 * DATA, 0, 0)),
            ("TraceScan", DeathsSubmitted(1, 1, 1, 100 * DATA, user(8))),
            to=TRACE_SCAN,
            calldata=submit_deaths(1, [user(1)]),
        ),
        chain.transaction(to=user(9), calldata="0x22"),
    )
    return chain


@pytest.mark.parametrize("way", WAYS)
def test_of_transactions_only_the_calldata_of_deaths_is_fetched(way: str) -> None:
    chain = deaths_chain()
    with ReplayServer(chain.blocks) as server:
        fetched = fetch(server, 0, 4, way)
    (transaction,) = [transaction for block in fetched.blocks for transaction in block.transactions]
    assert (transaction.hash, transaction.tx_index) == (chain.blocks[4].txs[1].hash, 1)
    assert transaction.input == submit_deaths(1, [user(1)])


class TwoFacedServer(ReplayServer):
    """A load balancer with two nodes behind it: logs come from another fork than headers, so many times."""

    times = 2

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        own = self.chain.blocks[1].hash.encode()
        if method == "eth_getLogs" and own in answer and self.times:
            self.times -= 1
            return answer.replace(own, b"0x" + b"ff" * 32)
        return answer


@pytest.mark.parametrize("way", WAYS)
def test_logs_of_another_fork_are_asked_for_again(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    with TwoFacedServer(claims_chain().blocks, ReplayOptions(log_timestamps=False)) as server:
        fetched = fetch(server, 0, 3, way)
        assert fetched.log_count == 4
        server.times = 100
        with pytest.raises(Inconsistent, match="of another"):
            fetch(server, 0, 3, way)


class LaggingServer(ReplayServer):
    """A node whose newest block only some of the machines behind it know."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_getBlockByNumber" and params[0] == hex(self.chain.head):
            return b"null"
        return super()._result(method, params, socket)


@pytest.mark.parametrize("way", WAYS)
def test_a_block_that_a_lagging_node_does_not_know_is_not_made_up(way: str) -> None:
    with LaggingServer(claims_chain().blocks) as server, pytest.raises(Inconsistent):
        fetch(server, 0, 3, way)


class ShortSightedServer(ReplayServer):
    """A load balancer behind which the machine that answers requests with eth_getLogs lags by one block."""

    def _answer(self, body: bytes, socket: Any) -> bytes:
        if b"fromBlock" not in body:
            return super()._answer(body, socket)
        newest = self.chain.blocks.pop()
        try:
            return super()._answer(body, socket)
        finally:
            self.chain.blocks.append(newest)


def test_a_range_cut_off_by_a_machine_that_lags_is_noticed() -> None:
    with (
        ShortSightedServer(claims_chain().blocks) as server,
        pytest.raises(Inconsistent, match="does not know a block"),
    ):
        fetch(server, 0, 3, BY_RANGE)


class ReplacedServer(ReplayServer):
    """A node that puts one text in the place of another in its answers, so many times."""

    def __init__(self, blocks: list[RecordedBlock], method: str, old: str, new: str, times: int) -> None:
        super().__init__(blocks, ReplayOptions(log_timestamps=False))
        self.method, self.old, self.new, self.times = method, old.encode(), new.encode(), times

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method != self.method or self.old not in answer or not self.times:
            return answer
        self.times -= 1
        return answer.replace(self.old, self.new)


def replaced_server(case: str, times: int) -> ReplacedServer:
    blocks = deaths_chain().blocks if "transaction" in case else claims_chain().blocks
    block, last = blocks[2], blocks[-1]
    quoted = f'"{block.hash}"'
    data, calldata = block.txs[0].logs[0].data, last.txs[-2].input or ""
    method, old, new = {
        "a log's null blockHash": ("eth_getLogs", f'"blockHash":{quoted}', '"blockHash":null'),
        "a block's null hash": ("eth_getBlockByNumber", f'"hash":{quoted},"parentHash"', '"hash":null,"parentHash"'),
        "a number that is none": ("eth_getBlockByNumber", '"number":"0x2"', '"number":"0xtwo"'),
        "another number": ("eth_getBlockByNumber", '"number":"0x2"', '"number":"0x7"'),
        "a removed log": ("eth_getLogs", '"removed":false', '"removed":true'),
        "a log cut amid a byte": ("eth_getLogs", f'{data}"', f'{data[:-1]}"'),
        "a transaction cut amid a byte": ("eth_getTransactionByHash", f'{calldata}"', f'{calldata[:-1]}"'),
        "a repeated log index": ("eth_getLogs", '"logIndex":"0x1"', '"logIndex":"0x0"'),
        "a receipt of another block": ("eth_getTransactionReceipt", last.hash, "0x" + "ee" * 32),
        "a transaction of another block": ("eth_getTransactionByHash", last.hash, "0x" + "ee" * 32),
        "a transaction that is not sealed": ("eth_getTransactionByHash", f'"{last.hash}"', "null"),
        "another transaction": ("eth_getTransactionByHash", last.txs[-2].hash, "0x" + "ee" * 32),
        "a block without a transaction of its logs": ("eth_getBlockByNumber", last.txs[-2].hash, "0x" + "ee" * 32),
    }[case]
    return ReplacedServer(blocks, method, old, new, times)


CASES = [
    "a log's null blockHash", "a block's null hash", "a number that is none", "another number", "a removed log",
    "a repeated log index", "a log cut amid a byte",
]  # fmt: skip
CASES_OF_CALLDATA = [
    "a transaction of another block", "a transaction that is not sealed", "another transaction",
    "a transaction cut amid a byte",
]  # fmt: skip
CASES_IN_FULL = ["a receipt of another block", "a block without a transaction of its logs"]


@pytest.mark.parametrize(
    ("way", "case"),
    [
        *((way, case) for way in WAYS for case in CASES),
        *((way, case) for way in (BY_RANGE, BY_HASH) for case in CASES_OF_CALLDATA),
        *((IN_FULL, case) for case in CASES_IN_FULL),
    ],
)
def test_answers_that_do_not_fit_are_asked_for_again(way: str, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    with replaced_server(case, times=2) as server:
        last = server.chain.head
        fetched = fetch(server, 0, last, way)
        assert server.times == 0
    assert log_counts(fetched) == ({1: 2, 2: 2} if last == 3 else {1: 2, 2: 2, 3: 1, 4: 2})
    with replaced_server(case, times=1_000_000) as server, pytest.raises(Inconsistent):
        fetch(server, 0, last, way)


def beside_a_removed_log(method: str, result: bytes, *, block_hash: str | None) -> bytes:
    """Logs after a copy of the first one that was removed, of another block if a hash is given."""
    logs = json.loads(result)
    if method != "eth_getLogs" or not logs:
        return result
    taken_back = {**logs[0], "removed": True, "blockHash": block_hash or logs[0]["blockHash"]}
    return json.dumps([taken_back, *logs]).encode()


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH])
@pytest.mark.parametrize("block_hash", [None, "0x" + "ee" * 32], ids=["added again", "of another fork"])
def test_a_removed_log_beside_what_took_its_place_is_left_out(way: str, block_hash: str | None) -> None:
    blocks = claims_chain().blocks
    with AlteredServer(blocks, partial(beside_a_removed_log, block_hash=block_hash)) as server:
        assert log_counts(fetch(server, 0, 3, way)) == {1: 2, 2: 2}


def source_of(*servers: ReplayServer, **options: Any) -> BlockSource:
    return BlockSource(
        SourceOptions(
            [server.url for server in servers],
            options.pop("ws_url", None),
            6343,
            ADDRESSES,
            poll_interval=0.02,
            **options,
        )
    )


def numbers(source: BlockSource, count: int) -> list[int]:
    seen: list[int] = []
    while len(seen) < count:
        fetched = source.next(5.0)
        assert fetched is not None, f"nothing after {seen[-3:]}"
        seen += range(fetched.first, fetched.last.number + 1)
    return seen


def long_chain(length: int) -> list[RecordedBlock]:
    chain = ChainBuilder()
    chain.deploy()
    for number in range(length - 2):
        chain.jack_in(user(number + 1), 10**19, 1)
    return chain.blocks


def test_blocks_come_once_and_in_order_from_wherever_asked() -> None:
    with ReplayServer(long_chain(300)) as server:
        source = source_of(server)
        source.open()
        try:
            source.start(0, None)
            assert numbers(source, 300) == list(range(300))
            assert source.next(0.1) is None
            source.restart(250)
            assert numbers(source, 50) == list(range(250, 300))
        finally:
            source.stop()


@pytest.mark.parametrize("silent", [False, True], ids=["pushed heads", "a silent subscription"])
def test_new_blocks_arrive_whether_or_not_the_subscription_speaks(silent: bool) -> None:
    with ReplayServer(long_chain(20), ReplayOptions(head=9, silent_ws=silent)) as server:
        source = source_of(server, ws_url=server.ws_url)
        source.open()
        try:
            source.start(0, None)
            assert numbers(source, 10) == list(range(10))
            for expected in range(10, 20):
                server.advance()
                assert numbers(source, 1) == [expected]
        finally:
            source.stop()


def test_a_reorg_that_does_not_grow_the_chain_is_shown() -> None:
    with ReplayServer(long_chain(20), ReplayOptions(head=15)) as server:
        source = source_of(server)
        source.open()
        try:
            source.start(0, None)
            numbers(source, 16)
            server.reorg(3)
            fetched = source.next(5.0)
            assert fetched is not None
            assert fetched.last.number == 15
            assert fetched.last.hash == server.chain.blocks[15].hash
        finally:
            source.stop()


@pytest.mark.parametrize("bound", [{"max_queued_bytes": 200}, {}], ids=["in bytes", "in ranges"])
def test_fetching_ahead_is_bounded(bound: dict[str, int]) -> None:
    with ReplayServer(long_chain(2000)) as server:
        source = source_of(server, batch_size=10, **bound)
        source.open()
        try:
            source.start(0, None)
            while (fetched := source.next(0.5)) is None:
                pass
            requests = server.requests
            let_it_run()
            assert server.requests - requests < 60
            rest = 2000 - fetched.size
            assert numbers(source, rest)[-1] == 1999
        finally:
            source.stop()


def let_it_run() -> None:
    asyncio.run(asyncio.sleep(0.5))


class HesitantServer(ReplayServer):
    """A node that announces its newest block, but refuses to speak of it for so many times."""

    refusal = (0, "")
    times = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        newest = self.chain.blocks[-1]
        if self.times and (newest.hash in str(params) or hex(newest.number) in str(params)):
            self.times -= 1
            raise Refusal(*self.refusal)
        return super()._result(method, params, socket)


REFUSALS_AT_THE_HEAD = [(-32019, "block is out of range"), (-32005, "limit exceeded"), (-32000, "unknown block")]


@pytest.mark.parametrize("refusal", REFUSALS_AT_THE_HEAD, ids=[message for _, message in REFUSALS_AT_THE_HEAD])
@pytest.mark.parametrize("several", [False, True], ids=["one node", "two nodes"])
def test_a_new_block_that_a_node_refuses_is_asked_for_with_pauses_and_of_the_next_node(
    refusal: tuple[int, str], several: bool
) -> None:
    blocks = long_chain(20)
    options = ReplayOptions(head=15)
    with HesitantServer(blocks, options) as server, ReplayServer(blocks, ReplayOptions(head=15)) as other:
        server.refusal = refusal
        source = source_of(*([server, other] if several else [server]), ws_url=server.ws_url)
        source.open()
        try:
            source.start(0, None)
            numbers(source, 16)
            server.times = 1_000 if several else 4
            other.advance()
            server.advance()
            before = server.requests
            assert numbers(source, 1) == [16]
            assert server.requests - before < 60
        finally:
            source.stop()


class BoastfulServer(ReplayServer):
    """A load balancer that takes the head from a machine so many blocks ahead of the one that has the blocks."""

    ahead = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_blockNumber":
            return b'"%s"' % hex(self.chain.head + self.ahead).encode()
        return super()._result(method, params, socket)


@pytest.mark.parametrize("ahead", [3, 12], ids=["near the head", "beyond"])
def test_blocks_that_there_are_come_also_where_the_head_is_ahead_of_them(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(producer, "RETRY_SECONDS", 0.002)
    with BoastfulServer(long_chain(20)) as server:
        server.ahead = ahead
        source = source_of(server)
        source.open()
        try:
            source.start(0, None)
            assert numbers(source, 20) == list(range(20))
        finally:
            source.stop()
