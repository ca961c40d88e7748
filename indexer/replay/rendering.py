"""Blocks as a node's JSON, rendered once and kept as bytes: serving is then little more than copying."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from indexer.chain.completeness import bloom_of
from indexer.replay.foreign import ForeignTransactions
from indexer.replay.recording import RecordedBlock, RecordedTransaction

_ZERO_HASH: Final = "0x" + "00" * 32
_encode = msgspec.json.Encoder().encode


class ServedLog(msgspec.Struct, gc=False):
    """A log and its JSON."""

    address: str
    topics: list[str]
    json: bytes

    @property
    def removed_json(self) -> bytes:
        """The same log as one that a reorg took away."""
        return self.json.removesuffix(b"false}") + b"true}"


@dataclass(frozen=True, slots=True)
class Style:
    """How blocks are rendered: `foreign` is added to a block's own transactions."""

    chain_id: int
    foreign: ForeignTransactions | None = None
    log_timestamps: bool = True


class ServedBlock:
    """A block on the chain or on a fork, with its JSON made on demand."""

    def __init__(self, block: RecordedBlock, style: Style) -> None:
        self.number, self.hash, self.parent_hash = block.number, block.hash, block.parent_hash
        self.timestamp = block.timestamp
        self.transactions = block.txs
        self._style = style
        self._cached: dict[str, Any] = {}
        self._matching: dict[object, list[bytes]] = {}
        self._joined: dict[object, tuple[int, bytes]] = {}

    @property
    def transaction_count(self) -> int:
        """How many transactions stand in it, other people's too."""
        return len(self.transactions) + (self._style.foreign.count if self._style.foreign else 0)

    @property
    def logs(self) -> list[ServedLog]:
        """All logs in order."""
        return [log for logs in self.logs_by_transaction() for log in logs]

    def logs_matching(self, log_filter: "LogFilter") -> list[bytes]:
        """The JSON of each log that passes a filter."""
        known = self._matching.get(log_filter.key)
        if known is None:
            known = self._matching[log_filter.key] = [log.json for log in self.logs if log_filter.passes(log)]
        return known

    def logs_joined(self, log_filter: "LogFilter") -> tuple[int, bytes]:
        """How many logs pass a filter, and their JSON joined by commas."""
        known = self._joined.get(log_filter.key)
        if known is None:
            matching = self.logs_matching(log_filter)
            known = self._joined[log_filter.key] = (len(matching), b",".join(matching))
        return known

    def header_json(self) -> bytes:
        """The header without its closing brace's transactions."""
        header: bytes = self._once("header", self._header)
        return header

    def block_json(self, full: bool) -> bytes:
        """The block with its transactions in full, or their hashes."""
        transactions: bytes = self._once("full" if full else "hashes", lambda: self._own_transactions(full))
        foreign = self._style.foreign
        if foreign is not None:
            others = (
                foreign.transactions(self.number, self.hash, len(self.transactions))
                if full
                else foreign.hashes(self.number)
            )
            transactions = _joined(transactions, others)
        return self.header_json()[:-1] + b',"uncles":[],"transactions":[' + transactions + b"]}"

    def transaction_json(self, index: int) -> bytes:
        """One transaction."""
        return _encode(self._transaction(index, self.transactions[index]))

    def receipts_json(self) -> bytes:
        """The receipts of all transactions in order."""
        receipts, foreign = b",".join(self.receipts()), self._style.foreign
        if foreign is not None:
            receipts = _joined(receipts, foreign.receipts(self.number, self.hash, len(self.transactions)))
        return b"[" + receipts + b"]"

    def receipts(self) -> list[bytes]:
        """The receipts of its own transactions in order."""
        return [self.receipt_json(index) for index in range(len(self.transactions))]

    def receipt_json(self, index: int) -> bytes:
        """The receipt of one transaction."""
        logs = b",".join(log.json for log in self.logs_by_transaction()[index])
        return _encode(self._receipt(index, self.transactions[index]))[:-1] + b',"logs":[' + logs + b"]}"

    def logs_by_transaction(self) -> list[list[ServedLog]]:
        """The logs of each of its own transactions in order."""
        groups: list[list[ServedLog]] = self._once("logs", self._rendered_logs)
        return groups

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._cached:
            self._cached[name] = make()
        return self._cached[name]

    def _rendered_logs(self) -> list[list[ServedLog]]:
        place = {
            "blockNumber": hex(self.number),
            "blockHash": self.hash,
            **({"blockTimestamp": hex(self.timestamp)} if self._style.log_timestamps else {}),
        }
        groups, log_index = [], 0
        for tx_index, transaction in enumerate(self.transactions):
            group = []
            for log in transaction.logs:
                rendered = {
                    "address": log.address,
                    "topics": log.topics,
                    "data": log.data,
                    **place,
                    "transactionHash": transaction.hash,
                    "transactionIndex": hex(tx_index),
                    "logIndex": hex(log_index),
                    "removed": False,
                }
                group.append(ServedLog(log.address, log.topics, _encode(rendered)))
                log_index += 1
            groups.append(group)
        return groups

    def _header(self) -> bytes:
        return _encode(
            {
                "number": hex(self.number),
                "hash": self.hash,
                "parentHash": self.parent_hash,
                "timestamp": hex(self.timestamp),
                "nonce": "0x0000000000000000",
                "sha3Uncles": _ZERO_HASH,
                "logsBloom": f"0x{self._bloom():0512x}",
                "transactionsRoot": _ZERO_HASH,
                "stateRoot": _ZERO_HASH,
                "receiptsRoot": _ZERO_HASH,
                "miner": "0x" + "00" * 20,
                "difficulty": "0x0",
                "extraData": "0x",
                "gasLimit": hex(4_000_000_000),
                "gasUsed": hex(sum(transaction.gas_used for transaction in self.transactions)),
                "baseFeePerGas": "0x0",
            }
        )

    def _bloom(self) -> int:
        bloom = 0
        for transaction in self.transactions:
            for log in transaction.logs:
                for item in (log.address, *log.topics):
                    bloom |= bloom_of(item)
        return bloom

    def _own_transactions(self, full: bool) -> bytes:
        if full:
            return b",".join(self.transaction_json(index) for index in range(len(self.transactions)))
        return b",".join(_encode(transaction.hash) for transaction in self.transactions)

    def _transaction(self, index: int, transaction: RecordedTransaction) -> Mapping[str, Any]:
        return {
            "hash": transaction.hash,
            "nonce": hex(transaction.nonce),
            "blockHash": self.hash,
            "blockNumber": hex(self.number),
            "transactionIndex": hex(index),
            "from": transaction.sender,
            "to": transaction.to,
            "value": hex(int(transaction.value)),
            "gas": hex(transaction.gas_used),
            "gasPrice": "0x0",
            "input": transaction.input or "0x",
            "type": "0x0",
            "chainId": hex(self._style.chain_id),
        }

    def _receipt(self, index: int, transaction: RecordedTransaction) -> Mapping[str, Any]:
        return {
            "transactionHash": transaction.hash,
            "transactionIndex": hex(index),
            "blockHash": self.hash,
            "blockNumber": hex(self.number),
            "from": transaction.sender,
            "to": transaction.to,
            "gasUsed": hex(transaction.gas_used),
            "contractAddress": transaction.contract_address,
            "status": hex(transaction.status),
        }


def unsealed(json: bytes, block: ServedBlock, *, keep_time: bool = False) -> bytes:
    """A log, receipt or transaction of a block as it looks before the block is sealed: without the block's hash, and
    without its time unless that is kept."""
    json = json.replace(b'"blockHash":"%s"' % block.hash.encode(), b'"blockHash":null')
    return json if keep_time else json.replace(b',"blockTimestamp":"%s"' % hex(block.timestamp).encode(), b"")


class LogFilter:
    """A JSON-RPC log filter's addresses and topics."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.is_pending = parameters.get("toBlock") == "pending"
        self._addresses = _options(parameters.get("address"))
        self._topics = tuple(_options(topic) for topic in parameters.get("topics") or ())
        self.key = (self._addresses, self._topics)

    def passes(self, log: ServedLog) -> bool:
        """Whether a log matches."""
        if self._addresses is not None and log.address not in self._addresses:
            return False
        if len(log.topics) < len(self._topics):
            return False
        pairs = zip(self._topics, log.topics, strict=False)
        return not self._topics or all(wanted is None or topic in wanted for wanted, topic in pairs)


def _joined(some: bytes, others: bytes) -> bytes:
    return some + b"," + others if some and others else some or others


def _options(value: str | list[str] | None) -> frozenset[str] | None:
    if not value:
        return None
    return frozenset(option.lower() for option in ([value] if isinstance(value, str) else value))
