"""Fetch blocks with their logs and the calldata that matters, and make sure that the answers belong together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeVar

from indexer.chain.blocks import FetchedBlock, FetchedRange, parse_header
from indexer.chain.client import Call, NodeClient
from indexer.chain.errors import Inconsistent, RangeTooLarge, RpcError
from indexer.chain.relevance import Relevance
from indexer.chain.wire import WireBlock, WireHeader, WireLog, WireReceipt
from indexer.domain.chain import Header, Transaction
from indexer.domain.units import Address, Calldata, Hash

T = TypeVar("T")

_LogsOrHeader: Any = list[WireLog] | WireHeader

_block_hash = attrgetter("block_hash")

_TRIES: Final = 6
_FIRST_PAUSE: Final = 0.05


class BlockFetcher:
    """Fetches ranges of blocks; `contracts` maps names to addresses."""

    def __init__(self, client: NodeClient, contracts: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = sorted(contracts.values())
        self._relevance = Relevance(contracts)

    async def fetch(self, first: int, last: int, *, by_hash: bool) -> FetchedRange:
        """Blocks first to last. `by_hash` asks for each block's logs by its hash, as near the head is right: a range
        is silently cut off by a node that lags, and may come from another fork than the headers.

        Answers that do not belong together are asked for again a few times. Raises Inconsistent if they still do not
        fit, RangeTooLarge if the node wants fewer blocks, another NodeError if it refuses.
        """
        return await _insist(lambda: self._fetch_once(first, last, by_hash))

    async def fetch_headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """The node's headers at these heights, None where it has no block.

        Raises Inconsistent if the node gives other blocks than those asked for, time and again.
        """
        return await _insist(lambda: self._fetch_headers_once(numbers))

    async def _fetch_headers_once(self, numbers: Sequence[int]) -> list[Header | None]:
        calls: list[Call] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        blocks = await self._client.batch(calls, WireHeader)
        headers = [parse_header(block) if isinstance(block, WireHeader) else None for block in blocks]
        for number, header in zip(numbers, headers, strict=True):
            if header is not None and header.number != number:
                raise Inconsistent(f"asked for block {number}, got {header.number}")
        return headers

    async def _fetch_once(self, first: int, last: int, by_hash: bool) -> FetchedRange:
        numbers = range(first, last + 1)
        block_calls: list[Call] = [("eth_getBlockByNumber", [hex(number), True]) for number in numbers]
        if by_hash:
            blocks = await self._fetch_all(block_calls, WireBlock)
            headers = _linked_headers(numbers, blocks)
            filters: list[dict[str, Any]] = [
                {"address": self._addresses, "blockHash": header.hash} for header in headers
            ]
            answers = await self._fetch_all([("eth_getLogs", [log_filter]) for log_filter in filters], list[WireLog])
            logs = [log for answer in answers for log in answer]
        else:
            (logs, end), blocks = await asyncio.gather(
                self._fetch_range_logs(first, last), self._fetch_all(block_calls, WireBlock)
            )
            headers = _linked_headers(numbers, blocks)
            if end.hash != headers[-1].hash:
                raise Inconsistent(f"the logs up to block {last} are of another fork than the blocks")
        fetched = [FetchedBlock(header, [], []) for header in headers]
        _distribute(logs, fetched)
        await self._add_transactions(fetched, blocks)
        return FetchedRange(fetched, len(logs))

    async def _fetch_range_logs(self, first: int, last: int) -> tuple[list[WireLog], WireHeader]:
        """The logs of a range, and the header of its end as the same request found it: a machine behind a load balancer
        that lags would else cut the range off without a word."""
        log_filter = {"address": self._addresses, "fromBlock": hex(first), "toBlock": hex(last)}
        calls: list[Call] = [("eth_getLogs", [log_filter]), ("eth_getBlockByNumber", [hex(last), False])]
        logs, end = await self._fetch_all(calls, _LogsOrHeader)
        if not isinstance(logs, list) or not isinstance(end, WireHeader):
            raise Inconsistent("eth_getLogs gave no list, or eth_getBlockByNumber no block")
        return logs, end

    async def _fetch_all(self, calls: Sequence[Call], kind: type[T]) -> list[T]:
        return _all(await self._client.batch(calls, kind))

    async def _add_transactions(self, fetched: Sequence[FetchedBlock], blocks: Sequence[WireBlock]) -> None:
        """Keep the transactions that the rules read; those without logs only if their receipts say success."""
        unsure: list[tuple[FetchedBlock, Transaction]] = []
        for block, raw in zip(fetched, blocks, strict=True):
            deaths = self._relevance.death_transactions(block.logs)
            with_logs = {log.transaction_hash for log in block.logs}
            for transaction in raw.transactions:
                has_logs = transaction.hash in with_logs
                if transaction.hash not in deaths and not self._relevance.may_act_silently(transaction, has_logs):
                    continue
                chosen = Transaction(
                    int(transaction.index, 16),
                    Hash(transaction.hash),
                    Address(transaction.sender.lower()),
                    Address(transaction.to.lower()) if transaction.to else None,
                    Calldata(transaction.input.lower()),
                )
                if has_logs:
                    block.transactions.append(chosen)
                else:
                    unsure.append((block, chosen))
        await self._add_successful(unsure)

    async def _add_successful(self, unsure: Sequence[tuple[FetchedBlock, Transaction]]) -> None:
        calls: list[Call] = [("eth_getTransactionReceipt", [transaction.hash]) for _, transaction in unsure]
        receipts = await self._fetch_all(calls, WireReceipt)
        for (block, transaction), receipt in zip(unsure, receipts, strict=True):
            if receipt.block_hash != block.header.hash:
                raise Inconsistent(f"the receipt of {transaction.hash} is not of block {block.header.number}")
            if int(receipt.status, 16) == 1:
                block.transactions.append(transaction)
        for block, _ in unsure:
            block.transactions.sort(key=lambda chosen: chosen.tx_index)


async def _insist(fetch: Callable[[], Awaitable[T]]) -> T:
    """Fetch until the answers fit together, a few times at most, with growing pauses. Raises Inconsistent."""
    for attempt in range(_TRIES):
        try:
            return await fetch()
        except Inconsistent:
            if attempt == _TRIES - 1:
                raise
        except ValueError as error:
            if attempt == _TRIES - 1:
                raise Inconsistent(f"malformed answer ({error!r})") from error
        await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable")


def _all(answers: Sequence[T | RpcError | None]) -> list[T]:
    """Answers none of which may be missing or refused."""
    complete: list[T] = []
    for answer in answers:
        if isinstance(answer, RangeTooLarge):
            raise answer
        if isinstance(answer, RpcError):
            raise Inconsistent(answer.message) from answer
        if answer is None:
            raise Inconsistent("the node does not know a block or transaction that it spoke of")
        complete.append(answer)
    return complete


def _linked_headers(numbers: range, blocks: Sequence[WireBlock]) -> list[Header]:
    """The headers of blocks that must have these numbers and be each other's children."""
    headers = [parse_header(block) for block in blocks]
    for index, (number, header) in enumerate(zip(numbers, headers, strict=True)):
        if header.number != number or not header.hash:
            raise Inconsistent(f"asked for block {number}, got {header.number} ({header.hash})")
        if index and header.parent_hash != headers[index - 1].hash:
            raise Inconsistent(f"block {number} is not the child of the block {number - 1} in the same answer")
    return headers


def _distribute(logs: Sequence[WireLog], blocks: Sequence[FetchedBlock]) -> None:
    """Give each block its logs; they must name their block's hash, and stand in chain order."""
    index_of = {block.header.hash: index for index, block in enumerate(blocks)}
    previous = -1
    for block_hash, group in groupby(logs, _block_hash):
        index = index_of.get(block_hash)
        if index is None:
            raise Inconsistent(f"logs of block {block_hash} belong to another fork or range")
        own = blocks[index].logs = list(group)
        places = [int(log.log_index, 16) for log in own]
        if index <= previous or places != sorted(set(places)) or any(log.removed for log in own):
            raise Inconsistent(f"logs of block {block_hash} are out of order, repeated or removed")
        previous = index
