"""Fetch ranges of blocks by the logs of our contracts; the cost does not depend on other people's transactions."""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from operator import attrgetter

from indexer.chain.answers import Answers, Call, complete
from indexer.chain.block_logs import BlockLogs
from indexer.chain.blocks import FetchedBlock, FetchedRange, linked, parse_header, parse_transaction
from indexer.chain.client import Meter, NodeClient
from indexer.chain.completeness import ListLengths
from indexer.chain.consistency import retry_inconsistent
from indexer.chain.errors import Inconsistent, TooLarge
from indexer.chain.log_lists import in_chain_order, without_removed
from indexer.chain.numbering import check_placed, checked_logs
from indexer.chain.range_logs import RangeLogs
from indexer.chain.rpc_types import WireHeader, WireLog, WirePlacedTransaction
from indexer.decode.decoder import topics_of
from indexer.domain.chain import Header
from indexer.domain.units import quantity

_address = attrgetter("address")
_block_number = attrgetter("block_number")


class RangeFetcher:
    """Fetches ranges of blocks with the logs of our contracts; `contracts` maps names to addresses."""

    def __init__(self, client: NodeClient, contracts: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = set(contracts.values())
        self._deaths = (contracts["TraceScan"], topics_of("TraceScan", "DeathsSubmitted"))
        self._lengths = ListLengths()
        self._block_logs = BlockLogs(client, contracts, self._lengths)
        self._range_logs = RangeLogs(client, contracts, self._block_logs, self._lengths)
        self._compared: int | None = None

    async def by_range(
        self, first: int, last: int, meter: Meter | None = None, *, calldata: bool = True
    ) -> FetchedRange:
        """Blocks first to last, their logs requested by range: only for blocks so far below the head that every machine
        of the node has them (LAGGING_BLOCKS).

        `calldata`: whether that of deaths is fetched. Inconsistent answers are requested again a few times. Raises
        Inconsistent if they remain so, RangeTooLarge if the node wants fewer blocks, another NodeError if it refuses.
        """
        return await retry_inconsistent(self._client, lambda: self._by_range(first, last, meter, calldata))

    async def by_hash(
        self, headers: Sequence[Header], meter: Meter | None = None, *, calldata: bool = True
    ) -> FetchedRange:
        """The blocks of these linked headers, their logs requested by block hash, as is necessary near the head, where
        a lagging machine cuts a range off without an error or answers from another fork. Raises as `by_range`.
        """
        fetched, _ = await self.by_hash_with(headers, (), meter, calldata=calldata)
        return fetched

    async def by_hash_with(
        self, headers: Sequence[Header], beside: Sequence[Call], meter: Meter | None = None, *, calldata: bool = True
    ) -> tuple[FetchedRange, Answers]:
        """As `by_hash`, with the answers (hex or headers) to the calls `beside`, which are sent in the same request."""
        return await retry_inconsistent(self._client, lambda: self._by_hash(headers, beside, meter, calldata))

    async def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """The node's headers at these heights, None where it has no block.

        Raises Inconsistent if the node repeatedly gives other blocks than those requested.
        """
        return await retry_inconsistent(self._client, lambda: self._headers(numbers))

    async def linked_headers(self, first: int, last: int) -> list[Header]:
        """The headers of consecutive blocks, each the child of the one before it. Raises Inconsistent."""

        async def fetch() -> list[Header]:
            return linked(range(first, last + 1), await self._headers(range(first, last + 1)))

        return await retry_inconsistent(self._client, fetch)

    async def _headers(self, numbers: Sequence[int]) -> list[Header | None]:
        calls: list[Call] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        blocks = await self._client.batch(calls, WireHeader)
        for block in blocks:
            if isinstance(block, TooLarge):
                raise block
        headers = [parse_header(block) if isinstance(block, WireHeader) else None for block in blocks]
        for number, header in zip(numbers, headers, strict=True):
            if header is not None and header.number != number:
                raise Inconsistent(f"asked for block {number}, got {header.number}")
        return headers

    async def _by_range(self, first: int, last: int, meter: Meter | None, calldata: bool) -> FetchedRange:
        ends = sorted({first, last})
        logs, headers = await self._range_logs.fetch(first, last, ends, meter)
        fetched = FetchedRange(
            first, headers[0].parent_hash, headers[-1], [], {header.number: header for header in headers}
        )
        fetched.blocks = await self._blocks(self._of_contracts(logs), fetched.headers)
        if fetched.blocks and not first <= fetched.blocks[0].header.number <= fetched.blocks[-1].header.number <= last:
            raise Inconsistent(f"the logs of blocks {first} to {last} are of other blocks")
        await self.check_blooms(fetched)
        await self._compare_positions(fetched.blocks)
        if calldata:
            await self._add_death_calldata(fetched.blocks)
        return fetched

    async def _by_hash(
        self, headers: Sequence[Header], beside: Sequence[Call], meter: Meter | None, calldata: bool
    ) -> tuple[FetchedRange, Answers]:
        blocks = []
        found, answers = await self._block_logs.fetch(headers, meter, beside)
        for header, logs in zip(headers, map(self._of_contracts, found), strict=True):
            if logs:
                blocks.append(FetchedBlock(header, [], checked_logs(logs, header)))
        await self._compare_positions(blocks)
        if calldata:
            await self._add_death_calldata(blocks)
        by_number = {header.number: header for header in headers}
        return FetchedRange(headers[0].number, headers[0].parent_hash, headers[-1], blocks, by_number), answers

    async def check_blooms(self, fetched: FetchedRange) -> None:
        """Raise Inconsistent if a range's answer left out logs of a block of which the header is known."""
        headers = list(fetched.headers.values())
        given = {block.header.number: block.logs for block in fetched.blocks}
        kept = [given.get(header.number, []) for header in headers]
        for header, logs, found in zip(headers, kept, await self._block_logs.completed(headers, kept), strict=True):
            if len(found) > len(logs):
                self._lengths.suspect(fetched.log_count)
                raise Inconsistent(f"the range's answer left out logs of block {header.number}")

    def _of_contracts(self, logs: list[WireLog]) -> list[WireLog]:
        """Logs without those of other contracts: a node may ignore the addresses of a filter."""
        if self._addresses.issuperset(map(_address, logs)):
            return logs
        return [log for log in logs if log.address in self._addresses]

    async def _blocks(self, logs: Sequence[WireLog], headers: dict[int, Header]) -> list[FetchedBlock]:
        """Logs grouped by block; a block's time is taken from its logs where they have a plausible one, else from its
        header."""
        logs = without_removed(logs)
        groups, numbers = _by_block(logs)
        if any(number >= following for number, following in pairwise(numbers)):
            groups, numbers = _by_block(in_chain_order(logs))
        by_logs = _times_fit(groups, numbers, headers) and await self._time_is_right(groups, numbers, headers)
        missing = [
            number
            for number, group in zip(numbers, groups, strict=True)
            if number not in headers and not (by_logs and group[0].block_timestamp is not None)
        ]
        await self._add_headers(missing, headers)
        blocks = []
        for number, group in zip(numbers, groups, strict=True):
            if number not in headers:
                headers[number] = _header_from_log(group[0])
            header = headers[number]
            blocks.append(FetchedBlock(header, [], checked_logs(group, header)))
        return blocks

    async def _time_is_right(
        self, groups: Sequence[Sequence[WireLog]], numbers: Sequence[int], headers: dict[int, Header]
    ) -> bool:
        """Whether the time in the logs of the range's middle block equals its header's, which is added to `headers`;
        one check per range detects a node that counts time in another unit."""
        timed = {
            number: group[0]
            for number, group in zip(numbers, groups, strict=True)
            if number not in headers and group[0].block_timestamp is not None
        }
        if not timed:
            return True
        number = list(timed)[len(timed) // 2]
        await self._add_headers([number], headers)
        return headers[number].timestamp == _header_from_log(timed[number]).timestamp

    async def _add_headers(self, numbers: Sequence[int], headers: dict[int, Header]) -> None:
        """Fetch the headers of blocks whose logs the node gave. Raises Inconsistent if it does not know one."""
        for number, header in zip(numbers, await self._headers(numbers) if numbers else (), strict=True):
            if header is None:
                raise Inconsistent(f"the node does not know block {number}, whose logs it gave")
            headers[number] = header

    async def _add_death_calldata(self, blocks: Sequence[FetchedBlock]) -> None:
        """Fetch the transactions in which players died: only their calldata says who (rule 13).

        Raises Inconsistent if the node gives another transaction, or one of another block.
        """
        wanted = [(block, log) for block in blocks for log in self.death_transactions(block.logs).values()]
        if not wanted:
            return
        calls: list[Call] = [("eth_getTransactionByHash", [log.transaction_hash]) for _, log in wanted]
        found = complete(await self._client.batch(calls, WirePlacedTransaction))
        for (block, log), transaction in zip(wanted, found, strict=True):
            check_placed(log, transaction, block.header)
            block.transactions.append(parse_transaction(transaction))

    async def _compare_positions(self, blocks: Sequence[FetchedBlock]) -> None:
        """Compare one log of each newly used node with its transaction: no other check detects a node that numbers
        transactions in its own way. Raises Misnumbered, or Inconsistent if the transaction is of another block: a node
        gives the logs of a block that a reorg has replaced, but its transactions where they stand now."""
        if not blocks or self._compared == self._client.proofs:
            return
        block, proofs = blocks[-1], self._client.proofs
        log = block.logs[-1]
        calls: list[Call] = [("eth_getTransactionByHash", [log.transaction_hash])]
        (found,) = await self._client.batch(calls, WirePlacedTransaction)
        if isinstance(found, WirePlacedTransaction):
            check_placed(log, found, block.header)
        self._compared = proofs

    def death_transactions(self, logs: Sequence[WireLog]) -> dict[str, WireLog]:
        """The first log that reports deaths of each transaction in which players died, by the transaction's hash."""
        address, topics = self._deaths
        found: dict[str, WireLog] = {}
        for log in logs:
            if log.address == address and log.topics and log.topics[0] in topics:
                found.setdefault(log.transaction_hash, log)
        return found


def _by_block(logs: Sequence[WireLog]) -> tuple[list[list[WireLog]], list[int]]:
    """Logs in groups, as blocks follow each other, and the number of each group's block."""
    groups = [list(group) for _, group in groupby(logs, _block_number)]
    return groups, [quantity(group[0].block_number) for group in groups]


def _times_fit(groups: Sequence[Sequence[WireLog]], numbers: Sequence[int], headers: Mapping[int, Header]) -> bool:
    """Whether the times in the logs may be their blocks' times: equal within a block, not earlier than in the block
    before, and consistent with the headers of the range's ends. Some nodes send zero, milliseconds, or the time of
    their head instead."""
    times = sorted(header.timestamp for header in headers.values())
    for number, group in zip(numbers, groups, strict=True):
        texts = {log.block_timestamp for log in group}
        text = texts.pop()
        if texts:
            return False
        if text is None:
            continue
        time = quantity(text)
        if not times[0] <= time <= times[-1] or (number in headers and headers[number].timestamp != time):
            return False
        times[0] = time
    return True


def _header_from_log(log: WireLog) -> Header:
    """A header made from a log: without the parent's hash, which is not needed so far below the head."""
    assert log.block_timestamp is not None
    return parse_header(WireHeader(log.block_number, log.block_hash, "", log.block_timestamp))
