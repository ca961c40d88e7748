"""Fetch the logs of blocks by block hash: again where a block's bloom shows that some are missing, and in parts where a
node refuses to send so many or may have truncated their list."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from indexer.chain.answers import Answers, Call, complete
from indexer.chain.client import Meter, NodeClient
from indexer.chain.completeness import BloomCheck, ListLengths
from indexer.chain.errors import Inconsistent, NodeError, RpcError
from indexer.chain.log_lists import in_chain_order
from indexer.chain.refusals import is_too_much
from indexer.chain.rpc_types import WireHeader, WireLog
from indexer.decode.decoder import decoders_of
from indexer.domain.chain import Header

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.05
OPINION_SECONDS: Final = 5.0
"""Seconds that each node has to answer when the logs of a block contradict its bloom."""

_LogsOrOthers: Any = list[WireLog] | str | WireHeader


class BlockLogs:
    """Asks a node for logs of our contracts; `contracts` maps names to addresses, `lengths` are those of its lists."""

    def __init__(self, client: NodeClient, contracts: Mapping[str, str], lengths: ListLengths) -> None:
        self._client = client
        self._lengths = lengths
        self._topics = {address: list(decoders_of(name)) for name, address in sorted(contracts.items())}
        """The topic0s of each contract's events, by its address."""
        self._blooms = BloomCheck(contracts)

    async def fetch(
        self, headers: Sequence[Header], meter: Meter | None, beside: Sequence[Call] = ()
    ) -> tuple[list[list[WireLog]], Answers]:
        """The logs of blocks by their hashes, and the answers (hex or headers) to the calls `beside`, which are sent in
        the same request."""
        calls = [self._call(header) for header in headers]
        found = await self._client.batch([*calls, *beside], _LogsOrOthers if beside else list[WireLog], meter)
        answers, others = found[: len(calls)], found[len(calls) :]
        if any(isinstance(other, list) for other in others):
            raise Inconsistent("another call than eth_getLogs gave a list")
        logs = [await self.whole(header, answer, meter) for header, answer in zip(headers, answers, strict=True)]
        return await self.completed(headers, logs), others

    async def whole(
        self, header: Header, answer: Any, meter: Meter | None, client: NodeClient | None = None
    ) -> list[WireLog]:
        """The logs of a block, by a node's `answer`: requested in parts, of `client` if one is given, where the node
        refused so many logs or may have truncated their list. Raises what `complete` raises for the smallest part."""
        return await self._whole(client or self._client, header, self._filter(header), answer, meter)

    async def _by_number(
        self, client: NodeClient, header: Header, log_filter: dict[str, Any], meter: Meter | None
    ) -> Any:
        """A node's answer for a filter of a block's logs that names the block by its number: some take no hash, or
        return `null` for no logs. Raises Inconsistent unless the number is this block's in the same request."""
        number = hex(header.number)
        where = {key: value for key, value in log_filter.items() if key != "blockHash"}
        where |= {"fromBlock": number, "toBlock": number}
        calls: list[Call] = [("eth_getLogs", [where]), ("eth_getBlockByNumber", [number, False])]
        answer, block = await client.batch(calls, _LogsOrOthers, meter)
        if not isinstance(block, WireHeader) or block.hash != header.hash:
            raise Inconsistent(f"the node has no logs of block {header.number} ({header.hash}), and another one there")
        return [] if answer is None else answer

    async def completed(self, headers: Sequence[Header], answers: Sequence[list[WireLog]]) -> list[list[WireLog]]:
        """The logs of blocks, requested again where the block's bloom names a contract without logs in the answer:
        once, then from each node. A bloom may name one by chance: if all nodes give the same logs, these are right."""
        found = list(answers)
        doubtful = self._doubtful(headers, found)
        if doubtful:
            doubtful = await self._ask_again(self._client, headers, found, doubtful)
        if doubtful:
            await asyncio.sleep(PAUSE_SECONDS)
            for node in self._client.each(OPINION_SECONDS).values():
                async with node:
                    with suppress(NodeError):
                        doubtful = await self._ask_again(node, headers, found, doubtful)
        return found

    async def _ask_again(
        self, client: NodeClient, headers: Sequence[Header], found: list[list[WireLog]], doubtful: Sequence[int]
    ) -> list[int]:
        """Request logs that contradict their blocks' blooms again, and take the answer that has more; return the
        indices of the blocks that still contradict."""
        answers = await client.batch([self._call(headers[place]) for place in doubtful], list[WireLog])
        for place, answer in zip(doubtful, answers, strict=True):
            again = await self.whole(headers[place], answer, None, client)
            found[place] = max(found[place], again, key=len)
        return self._doubtful(headers, found)

    def _doubtful(self, headers: Sequence[Header], answers: Sequence[Sequence[WireLog]]) -> list[int]:
        """The indices of blocks whose logs contradict their blooms."""
        pairs = enumerate(zip(headers, answers, strict=True))
        return [
            place
            for place, (header, logs) in pairs
            if header.logs_bloom and self._blooms.missing(header.logs_bloom, logs)
        ]

    def _filter(self, header: Header) -> dict[str, Any]:
        return {"address": list(self._topics), "blockHash": header.hash}

    def _call(self, header: Header) -> Call:
        return "eth_getLogs", [self._filter(header)]

    async def _whole(
        self, client: NodeClient, header: Header, log_filter: dict[str, Any], answer: Any, meter: Meter | None
    ) -> list[WireLog]:
        """What `whole` returns, for any filter of a block's logs."""
        if answer is None or type(answer) is RpcError:
            answer = await self._by_number(client, header, log_filter, meter)
        is_refused = is_too_much(answer)
        may_be_truncated = isinstance(answer, list) and self._lengths.may_be_truncated(len(answer))
        parts = self._parts(log_filter) if is_refused or may_be_truncated else []
        if not parts:
            (logs,) = complete([answer])
            if not isinstance(logs, list):
                raise Inconsistent("eth_getLogs gave no list")
            return logs
        answers = await client.batch([("eth_getLogs", [part]) for part in parts], list[WireLog], meter)
        found = [] if is_refused else list(answer)
        for part, answer_of_part in zip(parts, answers, strict=True):
            found += await self._whole(client, header, part, answer_of_part, meter)
        if is_refused and "topics" in parts[0]:
            logger.warning(
                "block %s has more logs of %s than the node returns at once (%s): they were requested event by event,"
                " which leaves out those of unknown events",
                *(header.hash, log_filter["address"][0], answer.message),
            )
        whole = in_chain_order(found)
        if may_be_truncated:
            self._lengths.record_parts(len(answer), len(whole))
        return whole

    def _parts(self, log_filter: dict[str, Any]) -> list[dict[str, Any]]:
        """A filter of several contracts as one of each of them, that of one contract as one of each of its events; none
        if it is of one event."""
        first, *others = log_filter["address"]
        if others:
            return [{**log_filter, "address": [address]} for address in log_filter["address"]]
        return [] if "topics" in log_filter else [{**log_filter, "topics": [topic0]} for topic0 in self._topics[first]]
