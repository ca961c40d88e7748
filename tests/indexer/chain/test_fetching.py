"""Fetching from a node whose answers may not belong together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.chain import fetcher
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent
from indexer.chain.fetcher import BlockFetcher
from indexer.chain.ranges import TARGET_LOGS, AdaptiveRange
from indexer.chain.source import BlockSource, SourceOptions
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES, ChainBuilder, user


def fetch(server: ReplayServer, first: int, last: int, *, by_hash: bool) -> Any:
    async def work() -> Any:
        async with NodeClient([server.url], patience=5) as client:
            return await BlockFetcher(client, ADDRESSES).fetch(first, last, by_hash=by_hash)

    return asyncio.run(work())


def claims_chain() -> ChainBuilder:
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(user(1), 10**19, 1)
    chain.block(
        chain.transaction(sender=user(1), calldata="0x372500ab"),
        chain.transaction(sender=user(2), calldata="0x372500ab", status=0),
        chain.transaction(to=user(9), calldata="0x11"),
    )
    return chain


@pytest.mark.parametrize("by_hash", [True, False])
def test_only_successful_calls_that_matter_are_kept(by_hash: bool) -> None:
    chain = claims_chain()
    with ReplayServer(chain.blocks) as server:
        fetched = fetch(server, 0, 3, by_hash=by_hash)
    kept = [transaction.hash for block in fetched.blocks for transaction in block.transactions]
    assert kept == [chain.blocks[3].txs[0].hash]
    assert [len(block.logs) for block in fetched.blocks] == [0, 2, 2, 0]


class TwoFacedServer(ReplayServer):
    """A load balancer with two nodes behind it: logs come from another fork than headers, so many times."""

    times = 2

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getLogs" and self.times:
            self.times -= 1
            return answer.replace(self.chain.blocks[1].hash.encode(), b"0x" + b"ff" * 32)
        return answer


def test_logs_of_another_fork_are_asked_for_again() -> None:
    with TwoFacedServer(claims_chain().blocks) as server:
        fetched = fetch(server, 0, 3, by_hash=False)
        assert fetched.log_count == 4
        server.times = 100
        with pytest.raises(Inconsistent, match="another fork"):
            fetch(server, 0, 3, by_hash=False)


class LaggingServer(ReplayServer):
    """A node whose newest block only some of the machines behind it know."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_getBlockByNumber" and params[0] == hex(self.chain.head):
            return b"null"
        return super()._result(method, params, socket)


def test_a_block_that_a_lagging_node_does_not_know_is_not_made_up() -> None:
    with LaggingServer(claims_chain().blocks) as server, pytest.raises(Inconsistent):
        fetch(server, 0, 3, by_hash=True)


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
        fetch(server, 0, 3, by_hash=False)


class ReplacedServer(ReplayServer):
    """A node that puts one text in the place of another in its answers, so many times."""

    def __init__(self, blocks: list[RecordedBlock], method: str, old: str, new: str, times: int) -> None:
        super().__init__(blocks)
        self.method, self.old, self.new, self.times = method, old.encode(), new.encode(), times

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method != self.method or self.old not in answer or not self.times:
            return answer
        self.times -= 1
        return answer.replace(self.old, self.new)


def replaced_server(case: str, times: int) -> ReplacedServer:
    blocks = claims_chain().blocks
    block, last = blocks[2], blocks[3]
    quoted = f'"{block.hash}"'
    method, old, new = {
        "a log's null blockHash": ("eth_getLogs", f'"blockHash":{quoted}', '"blockHash":null'),
        "a block's null hash": ("eth_getBlockByNumber", f'"hash":{quoted},"parentHash"', '"hash":null,"parentHash"'),
        "a number that is none": ("eth_getBlockByNumber", '"number":"0x2"', '"number":"two"'),
        "another number": ("eth_getBlockByNumber", '"number":"0x2"', '"number":"0x7"'),
        "a removed log": ("eth_getLogs", '"removed":false', '"removed":true'),
        "a receipt of another block": ("eth_getTransactionReceipt", last.hash, "0x" + "ee" * 32),
        "a repeated log index": ("eth_getLogs", '"logIndex":"0x1"', '"logIndex":"0x0"'),
    }[case]
    return ReplacedServer(blocks, method, old, new, times)


CASES = [
    "a log's null blockHash", "a block's null hash", "a number that is none", "another number", "a removed log",
    "a receipt of another block", "a repeated log index",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("by_hash", [True, False])
def test_answers_that_do_not_fit_are_asked_for_again(case: str, by_hash: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "_FIRST_PAUSE", 0.002)
    with replaced_server(case, times=2) as server:
        fetched = fetch(server, 0, 3, by_hash=by_hash)
        assert server.times == 0
    assert [len(block.logs) for block in fetched.blocks] == [0, 2, 2, 0]
    with replaced_server(case, times=1_000_000) as server, pytest.raises(Inconsistent):
        fetch(server, 0, 3, by_hash=by_hash)


def test_the_range_aims_at_so_many_logs_and_halves_when_refused() -> None:
    size = AdaptiveRange(first=100)
    size.succeeded(100, 100)
    assert size.size == 200
    size.succeeded(200, 10 * TARGET_LOGS)
    assert size.size == 20
    size.refused(20)
    assert size.size == 10
    for _ in range(10):
        size.refused(size.size)
    assert size.size == 1


def source_of(server: ReplayServer, **options: Any) -> BlockSource:
    return BlockSource(
        SourceOptions([server.url], options.pop("ws_url", None), 6343, ADDRESSES, poll_interval=0.02, **options)
    )


def numbers(source: BlockSource, count: int) -> list[int]:
    seen: list[int] = []
    while len(seen) < count:
        fetched = source.next(5.0)
        assert fetched is not None, f"nothing after {seen[-3:]}"
        seen += [block.header.number for block in fetched.blocks]
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


def test_fetching_ahead_is_bounded() -> None:
    with ReplayServer(long_chain(2000)) as server:
        source = source_of(server, batch_size=10, most_queued=200)
        source.open()
        try:
            source.start(0, None)
            while (fetched := source.next(0.5)) is None:
                pass
            requests = server.requests
            let_it_run()
            assert server.requests - requests < 60
            rest = 2000 - len(fetched.blocks)
            assert numbers(source, rest)[-1] == 1999
        finally:
            source.stop()


def let_it_run() -> None:
    asyncio.run(asyncio.sleep(0.5))


class ForkingServer(ReplayServer):
    """A load balancer that answers from two forks: one block of a range is not the child of the one before."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method == "eth_getBlockByNumber" and params[0] == "0x3":
            return answer.replace(self.chain.blocks[2].hash.encode(), b"0x" + b"ee" * 32)
        return answer


def test_blocks_that_are_not_each_other_s_children_are_refused() -> None:
    with ForkingServer(claims_chain().blocks) as server, pytest.raises(Inconsistent, match="block 3 is not the child"):
        fetch(server, 0, 3, by_hash=False)
