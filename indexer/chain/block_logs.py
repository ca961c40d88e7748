"""Fetch the logs of blocks by block hash, again where a block's bloom or a round count shows that some are missing."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from indexer.chain.answers import Answers, Call, complete
from indexer.chain.client import Meter, NodeClient
from indexer.chain.completeness import BloomCheck, may_be_truncated
from indexer.chain.errors import Inconsistent, NodeError
from indexer.chain.rpc_types import WireHeader, WireLog
from indexer.domain.chain import Header
from indexer.domain.units import quantity

PAUSE_SECONDS: Final = 0.05
OPINION_SECONDS: Final = 5.0
"""Seconds that each node has to answer when the logs of a block contradict its bloom."""

_LogsOrOthers: Any = list[WireLog] | str | WireHeader


class BlockLogs:
    """Asks a node for logs of our contracts; `contracts` maps names to addresses."""

    def __init__(self, client: NodeClient, contracts: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = sorted(contracts.values())
        self._blooms = BloomCheck(contracts)

    async def fetch(
        self, headers: Sequence[Header], meter: Meter | None, beside: Sequence[Call] = ()
    ) -> tuple[list[list[WireLog]], Answers]:
        """The logs of blocks by their hashes, and the answers (hex or headers) to the calls `beside`, which are sent in
        the same request."""
        calls: list[Call] = [
            ("eth_getLogs", [{"address": self._addresses, "blockHash": header.hash}]) for header in headers
        ]
        found = await self._client.batch([*calls, *beside], _LogsOrOthers if beside else list[WireLog], meter)
        answers, others = complete(found[: len(calls)]), found[len(calls) :]
        if not all(isinstance(answer, list) for answer in answers) or any(isinstance(other, list) for other in others):
            raise Inconsistent("eth_getLogs gave no list, or another call gave one")
        for place, header in enumerate(headers):
            if may_be_truncated(len(answers[place])):
                log_filter = {"address": self._addresses, "blockHash": header.hash}
                answers[place] = await self.by_contracts(log_filter, answers[place], meter)
        return await self.completed(headers, answers), others

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
        calls: list[Call] = [
            ("eth_getLogs", [{"address": self._addresses, "blockHash": headers[place].hash}]) for place in doubtful
        ]
        for place, again in zip(doubtful, complete(await client.batch(calls, list[WireLog])), strict=True):
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

    async def by_contracts(self, log_filter: dict[str, Any], logs: list[WireLog], meter: Meter | None) -> list[WireLog]:
        """The logs of one block, requested again in two parts if the filter has several contracts."""
        addresses = log_filter["address"]
        if len(addresses) == 1:
            return logs
        middle = len(addresses) // 2
        halves = [{**log_filter, "address": some} for some in (addresses[:middle], addresses[middle:])]
        calls: list[Call] = [("eth_getLogs", [half]) for half in halves]
        again = []
        for half, answer in zip(halves, complete(await self._client.batch(calls, list[WireLog], meter)), strict=True):
            again += await self.by_contracts(half, answer, meter) if may_be_truncated(len(answer)) else answer
        return not_fewer(sorted(again, key=lambda log: quantity(log.log_index)), logs)


def not_fewer(again: list[WireLog], logs: list[WireLog]) -> list[WireLog]:
    """The logs of `again`, which were requested in parts. Raises Inconsistent if they are fewer than the first time."""
    if len(again) < len(logs):
        raise Inconsistent(f"{len(logs)} logs, but {len(again)} when asked for in parts")
    return again
