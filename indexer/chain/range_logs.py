"""Fetch the logs of a range of blocks: in one request, page by page, or in halves if some seem to be missing."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from indexer.chain.answers import Call, complete
from indexer.chain.block_logs import BlockLogs
from indexer.chain.blocks import parse_header
from indexer.chain.client import Meter, NodeClient
from indexer.chain.completeness import ListLengths
from indexer.chain.errors import Inconsistent, MethodNotFound, RangeTooLarge, RpcError, TooLarge
from indexer.chain.log_lists import place_of
from indexer.chain.refusals import CURSOR_METHOD, is_too_much
from indexer.chain.rpc_types import WireHeader, WireLog
from indexer.domain.chain import Header

logger = logging.getLogger(__name__)

_LogsOrHeader: Final[Any] = list[WireLog] | WireHeader


class _BadPages(Exception):
    """Pages that do not continue each other, or do not end."""


class _LogPage(msgspec.Struct):
    """An answer of `eth_getLogsWithCursor`; without a cursor it is the last one."""

    logs: list[WireLog] | None
    cursor: Any = None


class _PageOrHeader(msgspec.Struct, rename="camel"):
    """A page of logs or a header, in one type: a parser can't choose between two objects without a tag."""

    logs: list[WireLog] | None = None
    cursor: Any = None
    number: str | None = None
    hash: str | None = None
    parent_hash: str | None = None
    timestamp: str | None = None
    logs_bloom: str | None = None

    @property
    def header(self) -> WireHeader | None:
        """The header, None if it is none."""
        if self.number is None or self.hash is None or self.parent_hash is None or self.timestamp is None:
            return None
        return WireHeader(self.number, self.hash, self.parent_hash, self.timestamp, self.logs_bloom)


class RangeLogs:
    """Asks a node for logs of our contracts by ranges of blocks; `contracts` maps names to addresses, `lengths` are
    those of its lists."""

    def __init__(
        self, client: NodeClient, contracts: Mapping[str, str], block_logs: BlockLogs, lengths: ListLengths
    ) -> None:
        self._client = client
        self._addresses = sorted(contracts.values())
        self._block_logs = block_logs
        self._lengths = lengths
        self._has_cursor: bool | None = None

    async def fetch(
        self, first: int, last: int, ends: Sequence[int], meter: Meter | None
    ) -> tuple[list[WireLog], list[Header]]:
        """The logs of a range, and the headers of its ends from the same request: without these, a lagging machine
        behind a load balancer could cut the range off unnoticed.

        Raises Inconsistent, RangeTooLarge if the node wants fewer blocks, another NodeError if it refuses.
        """
        logs, headers = await self._fetch(first, last, ends, meter)
        if first == last:
            return logs, headers
        if self._lengths.is_limit(len(logs)):
            message = f"lists of more than {len(logs)} logs are truncated to them"
            raise RangeTooLarge("eth_getLogs", {"message": message})
        self._lengths.record(len(logs))
        if self._lengths.may_be_truncated(len(logs)):
            logs = await self._by_halves(first, last, logs, meter)
        return logs, headers

    async def _fetch(
        self, first: int, last: int, ends: Sequence[int], meter: Meter | None
    ) -> tuple[list[WireLog], list[Header]]:
        """What `fetch` returns, as the node gives it."""
        log_filter = {"address": self._addresses, "fromBlock": hex(first), "toBlock": hex(last)}
        if await self._has_pages(log_filter):
            try:
                paged, headers = await self._paged(log_filter, last - first + 1, ends, meter)
                if first < last or not self._lengths.may_be_truncated(len(paged)):
                    return paged, headers
            except MethodNotFound:
                self._has_cursor = False  # another node answers than the one that had it
            except _BadPages as error:
                self._has_cursor = False
                logger.warning("%s is not used any more, eth_getLogs instead: %s", CURSOR_METHOD, error)
            except (RangeTooLarge, TooLarge):
                if first < last:
                    raise
        calls: list[Call] = [("eth_getLogs", [log_filter]), *_header_calls(ends)]
        answer, *others = await self._client.batch(calls, _LogsOrHeader, meter)
        if answer is None:
            answer = []  # as some nodes say that there are none; one that lacks the blocks lacks their headers too
        if first == last:
            headers = _ends(ends, complete(others))
            return await self._block_logs.whole(headers[0], answer, meter), headers
        logs, *blocks = complete([answer, *others])
        if not isinstance(logs, list):
            raise Inconsistent("eth_getLogs gave no list")
        return logs, _ends(ends, blocks)

    async def _by_halves(self, first: int, last: int, logs: list[WireLog], meter: Meter | None) -> list[WireLog]:
        """The logs of several blocks, requested again in two parts, since their list may be truncated."""
        middle = (first + last) // 2
        again = []
        for start, end in ((first, middle), (middle + 1, last)):
            again += (await self.fetch(start, end, sorted({start, end}), meter))[0]
        if len(again) < len(logs):
            raise Inconsistent(f"{len(logs)} logs, but {len(again)} when asked for in parts")
        self._lengths.record_parts(len(logs), len(again))
        return again

    async def _has_pages(self, log_filter: dict[str, Any]) -> bool:
        """Whether the node has `eth_getLogsWithCursor`, as MegaETH's managed providers do; asked once."""
        if self._has_cursor is None:
            narrow = {**log_filter, "toBlock": log_filter["fromBlock"]}
            (answer,) = await self._client.batch([(CURSOR_METHOD, [narrow])], _LogPage)
            self._has_cursor = isinstance(answer, _LogPage)
        return self._has_cursor

    async def _paged(
        self, log_filter: dict[str, Any], blocks: int, ends: Sequence[int], meter: Meter | None
    ) -> tuple[list[WireLog], list[Header]]:
        """All pages of a range of `blocks` blocks. Raises _BadPages, and what `fetch` raises."""
        calls: list[Call] = [(CURSOR_METHOD, [log_filter]), *_header_calls(ends)]
        answers = await self._client.batch(calls, _PageOrHeader, meter)
        if blocks == 1 and is_too_much(answers[0]):
            raise RangeTooLarge(CURSOR_METHOD, answers[0].message)
        page, *headers = complete(answers)
        if page.logs is None and page.number is not None:
            raise Inconsistent(f"{CURSOR_METHOD} gave no logs")
        logs, cursor, empty, seen = page.logs or [], page.cursor, 0, set[str]()
        while cursor not in (None, ""):
            if str(cursor) in seen:
                raise _BadPages("a cursor is repeated")
            seen.add(str(cursor))
            following = await self._following({**log_filter, "cursor": cursor}, meter)
            if following.logs and logs and place_of(following.logs[0]) <= place_of(logs[-1]):
                raise _BadPages("a page repeats logs of an earlier one")
            empty += not following.logs
            if empty > blocks:
                raise _BadPages(f"{empty} pages of {blocks} blocks are empty")
            logs += following.logs or []
            cursor = following.cursor
        return logs, _ends(ends, [header.header for header in headers])

    async def _following(self, log_filter: dict[str, Any], meter: Meter | None) -> _LogPage:
        """The page that a cursor names."""
        try:
            (page,) = await self._client.batch([(CURSOR_METHOD, [log_filter])], _LogPage, meter)
        except Inconsistent as error:
            raise _BadPages(error.message) from error
        if isinstance(page, RangeTooLarge | TooLarge | MethodNotFound):
            raise page
        if not isinstance(page, _LogPage):
            why = page.message if isinstance(page, RpcError) else "there is none"
            raise _BadPages(f"the next page can't be read: {why}")
        return page


def _header_calls(numbers: Sequence[int]) -> list[Call]:
    return [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]


def _ends(numbers: Sequence[int], blocks: Sequence[Any]) -> list[Header]:
    headers = [parse_header(block) for block in blocks if isinstance(block, WireHeader)]
    if [header.number for header in headers] != list(numbers):
        raise Inconsistent(f"asked for blocks {numbers}, got {[header.number for header in headers]}")
    return headers
