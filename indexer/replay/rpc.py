"""A node's JSON-RPC methods on the served chain; results are JSON as bytes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from indexer.chain.views import MULTICALL3
from indexer.replay.calls import Calls
from indexer.replay.chain import LiveChain
from indexer.replay.limits import BEYOND_HEAD, NOT_WHITELISTED, OUT_OF_RANGE, Limits
from indexer.replay.log_pages import logs_page, read_cursor
from indexer.replay.refusal import Refusal
from indexer.replay.rendering import LogFilter, ServedBlock, unsealed

_encode = msgspec.json.Encoder().encode

_FINALITY: Final = 64
_MAX_PREPARED: Final = 16
"""Calls whose answers are made for each block before they are asked for."""
_HASH_LENGTH: Final = len("0x") + 64


class Methods:
    """Answers the methods of a node; `calls` answers eth_call."""

    def __init__(self, chain: LiveChain, chain_id: int, limits: Limits, calls: Calls) -> None:
        self._chain = chain
        self._limits = limits
        self._calls = calls
        self._states: dict[tuple[str, str, str], bytes] = {}
        """Answers to eth_call that were made before they were asked for: by the block's hash, the contract and the
        calldata."""
        self._asked: set[tuple[str, str]] = set()
        """What was asked of contracts since those were made."""
        self._log_filter: LogFilter | None = None
        """What a block's logs were asked by last."""
        self._by_name: dict[str, Callable[[Sequence[Any]], bytes]] = {
            "eth_chainId": lambda _: _encode(hex(chain_id)),
            "net_version": lambda _: _encode(str(chain_id)),
            "web3_clientVersion": lambda _: b'"ghostnet-replay/1"',
            "eth_syncing": lambda _: b"false",
            "eth_blockNumber": lambda _: _encode(hex(chain.head)),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": lambda params: _count(self._block(params[0])),
            "eth_getBlockTransactionCountByHash": lambda params: _count(self._chain.by_hash(params[0])),
            "eth_getLogs": lambda params: self._logs(params[0]),
            "eth_getLogsWithCursor": lambda params: self._logs_page(params[0]),
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getCode": self._code,
            "eth_call": self._call,
        }

    def answer(self, method: str, params: Sequence[Any]) -> bytes:
        """The result of a call. Raises Refusal."""
        handler = self._by_name.get(method)
        if handler is None or (method == "eth_getLogsWithCursor" and not self._limits.cursor_page):
            if self._limits.megaeth:
                raise Refusal(*NOT_WHITELISTED)
            raise Refusal(-32601, f"the method {method} does not exist/is not available")
        try:
            return handler(params)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refusal(-32602, f"invalid params: {error!r}") from error

    def prepare(self) -> None:
        """Make the newest block's logs, and its answers to what eth_call was asked of the one before, if that was not
        done: a node that has just executed a block has all that at hand."""
        head = self._chain.blocks[-1]
        if any(block_hash == head.hash for block_hash, _, _ in self._states):
            return
        if self._log_filter is not None:
            head.logs_joined(self._log_filter)
        self._states.clear()
        asked, self._asked = self._asked, set()
        for to, data in asked:
            with suppress(Refusal):
                self._states[head.hash, to, data] = self._calls.answer(self._chain, {"to": to, "data": data}, head)

    def _number(self, tag: str | None) -> int:
        if tag in (None, "latest", "pending"):
            return self._chain.head
        if tag == "earliest":
            return 0
        if tag in ("finalized", "safe"):
            return max(0, self._chain.head - _FINALITY)
        return int(str(tag), 16)

    def _block(self, tag: str) -> ServedBlock | None:
        number = self._number(tag)
        return self._chain.blocks[number] if 0 <= number <= self._chain.head else None

    def _block_by_number(self, params: Sequence[Any]) -> bytes:
        block = self._block(params[0])
        return block.block_json(bool(params[1])) if block else b"null"

    def _block_by_hash(self, params: Sequence[Any]) -> bytes:
        block = self._chain.by_hash(params[0])
        return block.block_json(bool(params[1])) if block else b"null"

    def _logs(self, parameters: dict[str, Any]) -> bytes:
        log_filter = LogFilter(parameters)
        found = [block.logs_joined(log_filter) for block in self._blocks_of(parameters)]
        count = sum(matching for matching, _ in found)
        if self._limits.max_results and count > self._limits.max_results:
            raise Refusal(-32005, f"query returned more than {self._limits.max_results} results")
        return b"[" + b",".join(json for matching, json in found if matching) + b"]"

    def _blocks_of(self, parameters: dict[str, Any]) -> Iterable[ServedBlock]:
        """The blocks of a filter's range that can have logs."""
        if parameters.get("blockHash"):
            block = self._chain.by_hash(parameters["blockHash"])
            if block is None:
                raise Refusal(-32000, "unknown block")
            self._log_filter = LogFilter(parameters)
            return [block]
        first, last = self._range_of(parameters)
        if self._limits.max_range and last - first + 1 > self._limits.max_range:
            raise Refusal(-32000, f"block range is too wide, at most {self._limits.max_range} blocks")
        return self._chain.blocks.kept(first, last)

    def _range_of(self, parameters: dict[str, Any]) -> tuple[int, int]:
        first, last = self._number(parameters.get("fromBlock")), self._number(parameters.get("toBlock"))
        if first > last:
            raise Refusal(-32000, "invalid block range params")
        if last > self._chain.head:
            if self._limits.megaeth:
                raise Refusal(*OUT_OF_RANGE)
            if self._limits.strict_head:
                raise Refusal(*BEYOND_HEAD)
        return first, last

    def _logs_page(self, parameters: dict[str, Any]) -> bytes:
        first, last = self._range_of(parameters)
        given, cursor = 0, parameters.get("cursor")
        if cursor is not None:
            first, given = read_cursor(cursor)
        blocks = self._chain.blocks.kept(first, last)
        logs, following = logs_page(blocks, LogFilter(parameters), self._limits.cursor_page, given)
        end = b"" if following is None else b',"cursor":' + _encode(following)
        return b'{"logs":[' + b",".join(logs) + b"]" + end + b"}"

    def _transaction(self, params: Sequence[Any]) -> bytes:
        return self._at(params[0], ServedBlock.transaction_json)

    def _receipt(self, params: Sequence[Any]) -> bytes:
        return self._at(params[0], ServedBlock.receipt_json)

    def _at(self, tx_hash: str, render: Callable[[ServedBlock, int], bytes]) -> bytes:
        """A transaction or its receipt, also before its block is sealed."""
        if (place := self._chain.by_transaction.get(tx_hash)) is not None:
            return render(*place)
        if (place := self._chain.open_transactions.get(tx_hash)) is not None:
            return unsealed(render(*place), place[0])
        return b"null"

    def _block_receipts(self, params: Sequence[Any]) -> bytes:
        block = self._chain.by_hash(params[0]) if len(params[0]) == _HASH_LENGTH else self._block(params[0])
        return block.receipts_json() if block else b"null"

    def _code(self, params: Sequence[Any]) -> bytes:
        address = params[0].lower()
        deployed = self._calls.has_multicall and address == MULTICALL3
        return b'"0x6080604052"' if deployed or self._chain.has_code(address, self._chain.head) else b'"0x"'

    def _call(self, params: Sequence[Any]) -> bytes:
        block = self._block_with_state(params[1] if len(params) > 1 else None)
        asked = params[0]["to"], params[0].get("data", "")
        is_newest = block.number == self._chain.head
        answer = self._states.get((block.hash, *asked)) if is_newest else None
        if answer is None:
            answer = self._calls.answer(self._chain, params[0], block)
        if is_newest and asked[1] and len(self._asked) < _MAX_PREPARED:
            self._asked.add(asked)
        return _encode("0x" + answer.hex())

    def _block_with_state(self, place: str | Mapping[str, str] | None) -> ServedBlock:
        """The block that a call names: by a number, a tag, a hash, or an object with one of them (EIP-1898)."""
        if isinstance(place, Mapping):
            place = place.get("blockHash") or place.get("blockNumber")
        if place is not None and len(place) == _HASH_LENGTH:
            block = self._chain.by_hash(place)
            if block is None:
                raise Refusal(-32000, "header for hash not found")
            return block
        number = self._number(place)
        if number > self._chain.head:
            raise Refusal(-32000, "header not found")
        return self._chain.blocks[number]


def _count(block: ServedBlock | None) -> bytes:
    return _encode(hex(block.transaction_count)) if block else b"null"
