"""Fetch blocks with all their transactions: for nodes without the contracts' state of old blocks.

There the transactions themselves are the only evidence of what leaves no log. A successful call made to GhostCore
directly is one; a call nested in another contract's calldata is one only where a trace shows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from indexer.base.gathering import gathered
from indexer.chain.answers import Call, complete
from indexer.chain.blocks import FetchedBlock, FetchedRange, linked, parse_header, parse_transaction
from indexer.chain.client import Meter, NodeClient
from indexer.chain.consistency import retry_inconsistent
from indexer.chain.errors import Denied, Inconsistent, MethodNotFound, NodeError, RpcError
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.numbering import check_position
from indexer.chain.rpc_types import WireBlock, WireLog, WireReceipt, WireTransaction
from indexer.decode.calldata import hints_at_silent_change, level_config_of, makes_claim
from indexer.domain.chain import ConfigChange, Header, Settlement, SilentChange, Transaction
from indexer.domain.units import Address, Calldata, Hash, quantity


class FullBlockFetcher:
    """Fetches whole blocks, and reads in them what leaves no log; `contracts` maps names to addresses."""

    def __init__(self, client: NodeClient, fetcher: RangeFetcher, contracts: Mapping[str, str]) -> None:
        self._client = client
        self._fetcher = fetcher
        self._ghost_core = contracts["GhostCore"]
        self._without_receipts: int | None = None
        """How often nodes had proven themselves when none had `eth_getBlockReceipts`."""

    async def fetch(
        self,
        first: int,
        last: int,
        meter: Meter | None = None,
        *,
        by_range: bool = False,
        parties: AbstractSet[Address] | None = None,
    ) -> FetchedRange:
        """Blocks first to last; their logs by hash, or, if `by_range`, by their range.

        With `parties` the `hinting` transactions are kept: those that hold the call of a silent change, or have one of
        these as a party. Raises Inconsistent, RangeTooLarge, another NodeError.
        """
        return await retry_inconsistent(self._client, lambda: self._fetch(first, last, meter, by_range, parties))

    async def successes(self, block: Hash | int) -> list[Transaction] | None:
        """A block's transactions that did not fail, by their receipts: without their calldata.

        None where the node has no `eth_getBlockReceipts`. Raises Inconsistent, RangeTooLarge.
        """

        async def fetch() -> list[Transaction] | None:
            if self._without_receipts == self._client.proofs:
                return None
            where = {"blockHash": block} if isinstance(block, str) else hex(block)
            answers = await self._client.batch([("eth_getBlockReceipts", [where])], list[WireReceipt])
            if isinstance(answers[0], RpcError):
                if isinstance(answers[0], MethodNotFound | Denied):
                    self._without_receipts = self._client.proofs
                return None
            return [
                Transaction(
                    quantity(receipt.transaction_index),
                    Hash(receipt.transaction_hash),
                    Address(receipt.sender),
                    Address(receipt.to) if receipt.to else None,
                    Calldata("0x"),
                )
                for receipt in complete(answers)[0]
                if quantity(receipt.status) == 1
            ]

        return await retry_inconsistent(self._client, fetch)

    async def calldata(self, hashes: Sequence[Hash]) -> dict[Hash, Transaction]:
        """Transactions by their hashes, calldata included. Raises Inconsistent."""

        async def fetch() -> dict[Hash, Transaction]:
            calls: list[Call] = [("eth_getTransactionByHash", [tx_hash]) for tx_hash in hashes]
            found = complete(await self._client.batch(calls, WireTransaction))
            return {transaction.hash: transaction for transaction in map(parse_transaction, found)}

        return await retry_inconsistent(self._client, fetch)

    async def transactions(self, block: Hash | int) -> tuple[Header, list[Transaction]]:
        """One block's header and all its transactions, in order. Raises Inconsistent, RangeTooLarge."""

        async def fetch() -> tuple[Header, list[Transaction]]:
            method = "eth_getBlockByHash" if isinstance(block, str) else "eth_getBlockByNumber"
            where = block if isinstance(block, str) else hex(block)
            (found,) = complete(await self._client.batch([(method, [where, True])], WireBlock))
            return parse_header(found), [parse_transaction(transaction) for transaction in _transactions(found)]

        return await retry_inconsistent(self._client, fetch)

    async def succeeded(self, transactions: Sequence[Transaction]) -> set[Hash]:
        """The hashes of those that did not fail. Raises Inconsistent."""

        async def fetch() -> set[Hash]:
            receipts = await self._receipts(transactions)
            return {
                transaction.hash
                for transaction, receipt in zip(transactions, receipts, strict=True)
                if quantity(receipt.status) == 1
            }

        return await retry_inconsistent(self._client, fetch)

    async def _fetch(
        self, first: int, last: int, meter: Meter | None, by_range: bool, parties: AbstractSet[Address] | None
    ) -> FetchedRange:
        calls: list[Call] = [("eth_getBlockByNumber", [hex(number), True]) for number in range(first, last + 1)]
        if by_range:
            logs = self._fetcher.by_range(first, last, meter, calldata=False)
            fetched: FetchedRange
            fetched, answers = await gathered(logs, self._client.batch(calls, WireBlock, meter))
            blocks = complete(answers)
            headers = linked(range(first, last + 1), [parse_header(block) for block in blocks])
            if any(headers[number - first].hash != header.hash for number, header in fetched.headers.items()):
                raise Inconsistent(f"the logs of blocks {first} to {last} are of another fork than the blocks")
            fetched.headers = {header.number: header for header in headers}
            await self._fetcher.check_blooms(fetched)
        else:
            blocks = complete(await self._client.batch(calls, WireBlock, meter))
            headers = linked(range(first, last + 1), [parse_header(block) for block in blocks])
            fetched = await self._fetcher.by_hash(headers, meter, calldata=False)
        await self._add_transactions(fetched, headers, blocks, parties)
        return fetched

    async def _add_transactions(
        self,
        fetched: FetchedRange,
        headers: Sequence[Header],
        blocks: Sequence[WireBlock],
        parties: AbstractSet[Address] | None,
    ) -> None:
        """Keep the calldata of deaths, what proves silent changes, and, with `parties`, what hints at them."""
        by_number = {block.header.number: block for block in fetched.blocks}
        hints: list[tuple[Header, Transaction]] = []
        near: list[tuple[Header, Transaction]] = []
        logged = set[str]()
        for header, block in zip(headers, blocks, strict=True):
            transactions, found = _transactions(block), by_number.get(header.number)
            with_logs = self._add_deaths(found, header, transactions) if found is not None else {}
            logged.update(with_logs)
            of_block = list(self._hints(transactions, with_logs))
            hints += ((header, hint) for hint in of_block)
            if parties is not None:
                known = {hint.hash for hint in of_block}
                of_parties = (one for one in transactions if not parties.isdisjoint((one.sender, one.to)))
                near += ((header, parse_transaction(one)) for one in of_parties if one.hash not in known)
        fetched.blocks_to_check += dict.fromkeys(header.number for header, _ in hints)
        succeeded = await self._succeeded([*hints, *near], logged)
        for header, change in await self._proven([hint for hint in hints if hint[1].hash in succeeded]):
            by_number.setdefault(header.number, FetchedBlock(header)).silent_changes.append(change)
        if parties is not None:
            for header, transaction in sorted([*hints, *near]):
                if transaction.hash in succeeded:
                    by_number.setdefault(header.number, FetchedBlock(header)).hinting.append(transaction)
        fetched.blocks = [by_number[number] for number in sorted(by_number)]

    def _add_deaths(
        self, found: FetchedBlock, header: Header, transactions: Sequence[WireTransaction]
    ) -> Mapping[str, WireLog]:
        """Keep the calldata of a block's deaths; return a log of each transaction that has any, by its hash. Raises
        Inconsistent, or Misnumbered, if the logs are not of these transactions."""
        found.header = header  # the block's one time: that in its logs may be another
        by_hash = {transaction.hash: transaction for transaction in transactions}
        with_logs = {log.transaction_hash: log for log in found.logs}
        if not by_hash.keys() >= with_logs.keys():
            raise Inconsistent(f"block {header.number} lacks a transaction that its logs name")
        for tx_hash, log in with_logs.items():
            if log.transaction_index != by_hash[tx_hash].index:
                check_position(log, by_hash[tx_hash])
        deaths = self._fetcher.death_transactions(found.logs)
        found.transactions = [parse_transaction(by_hash[tx_hash]) for tx_hash in deaths]
        return with_logs

    def _hints(
        self, transactions: Sequence[WireTransaction], with_logs: Mapping[str, WireLog]
    ) -> Iterator[Transaction]:
        """The transactions of a block that may have made a silent change."""
        for transaction in transactions:
            if hints_at_silent_change(transaction.input) and not (
                transaction.hash in with_logs and self._is_claim(transaction.to, transaction.input)
            ):
                yield parse_transaction(transaction)

    def _is_claim(self, recipient: str | None, calldata: str) -> bool:
        """Whether a transaction is a direct claim; one with logs is shown by its Transfer, and is no silent change."""
        return recipient == self._ghost_core and makes_claim(Calldata(calldata))

    async def _proven(self, hints: Sequence[tuple[Header, Transaction]]) -> list[tuple[Header, SilentChange]]:
        """The silent changes that successful hinting transactions have made, as far as calls prove them, with their
        blocks."""
        nested = [transaction for _, transaction in hints if transaction.recipient != self._ghost_core]
        calls = dict(zip((transaction.hash for transaction in nested), await self._traced(nested), strict=True))
        return [
            (header, SilentChange(transaction.tx_index, transaction.hash, change))
            for header, transaction in hints
            for caller, calldata in calls.get(transaction.hash, [(transaction.sender, transaction.input)])
            if (change := _change(caller, calldata)) is not None
        ]

    async def _succeeded(
        self, transactions: Sequence[tuple[Header, Transaction]], logged: AbstractSet[str]
    ) -> set[Hash]:
        """The hashes of those transactions that did not fail: the `logged` ones, others by their receipts."""
        asked = [(header, transaction) for header, transaction in transactions if transaction.hash not in logged]
        succeeded = {transaction.hash for _, transaction in transactions} & logged
        receipts = await self._receipts([transaction for _, transaction in asked])
        for (header, transaction), receipt in zip(asked, receipts, strict=True):
            if receipt.block_hash != header.hash:
                raise Inconsistent(f"the receipt of {transaction.hash} is not of block {header.number}")
            if quantity(receipt.status) == 1:
                succeeded.add(transaction.hash)
        return {Hash(tx_hash) for tx_hash in succeeded}

    async def _traced(self, transactions: Sequence[Transaction]) -> list[list[tuple[Address, Calldata]]]:
        """Callers and calldata of each transaction's successful calls of GhostCore, none where there is no trace."""
        calls: list[Call] = [
            ("debug_traceTransaction", [transaction.hash, {"tracer": "callTracer"}]) for transaction in transactions
        ]
        try:
            traces = await self._client.batch(calls, dict[str, Any])
        except NodeError:
            traces = [None] * len(calls)
        return [
            [
                (Address(str(frame.get("from", "")).lower()), Calldata(str(frame.get("input", "0x")).lower()))
                for frame in calls_of(trace, self._ghost_core)
            ]
            if isinstance(trace, dict)
            else []
            for trace in traces
        ]

    async def _receipts(self, transactions: Sequence[Transaction]) -> list[WireReceipt]:
        calls: list[Call] = [("eth_getTransactionReceipt", [transaction.hash]) for transaction in transactions]
        return complete(await self._client.batch(calls, WireReceipt))


def _transactions(block: WireBlock) -> list[WireTransaction]:
    """A block's transactions. Raises Inconsistent if they were left out, though some used gas."""
    if block.transactions is None and quantity(block.gas_used):
        raise Inconsistent(f"the node left out the transactions of block {quantity(block.number)}")
    return block.transactions or []


def calls_of(frame: Mapping[str, Any], contract: str) -> Iterator[Mapping[str, Any]]:
    """A trace's successful calls of a contract, in order; a failed frame undoes its inner ones."""
    if frame.get("error"):
        return
    if str(frame.get("to", "")).lower() == contract and frame.get("type") == "CALL":
        yield frame
    for inner in frame.get("calls", ()):
        yield from calls_of(inner, contract)


def _change(caller: Address, calldata: Calldata) -> ConfigChange | Settlement | None:
    if makes_claim(calldata):
        return Settlement(caller)
    config = level_config_of(calldata)
    return ConfigChange(*config) if config is not None else None
