"""Blocks as a node's JSON, rendered once and kept as bytes: serving is then little more than copying."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

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


class ServedBlock:
    """A block on the chain or on a fork, with its JSON made on demand; `shift` seconds are added to its time."""

    def __init__(self, block: RecordedBlock, chain_id: int, shift: int = 0) -> None:
        self.number, self.hash, self.parent_hash = block.number, block.hash, block.parent_hash
        self.timestamp = block.timestamp + shift
        self.transactions = block.txs
        self._chain_id = chain_id
        self._cached: dict[str, Any] = {}
        self._joined: dict[object, tuple[int, bytes]] = {}

    @property
    def logs(self) -> list[ServedLog]:
        """All logs in order."""
        if "logs" not in self._cached:
            self._cached["logs"] = [log for logs in self._logs_by_transaction() for log in logs]
        logs: list[ServedLog] = self._cached["logs"]
        return logs

    def logs_matching(self, log_filter: "LogFilter") -> tuple[int, bytes]:
        """How many logs pass a filter, and their JSON joined by commas."""
        known = self._joined.get(log_filter.key)
        if known is None:
            matching = [log.json for log in self.logs if log_filter.passes(log)]
            known = self._joined[log_filter.key] = (len(matching), b",".join(matching))
        return known

    def header_json(self) -> bytes:
        """The header without its closing brace's transactions."""
        return self._once("header", self._header)

    def block_json(self, full: bool) -> bytes:
        """The block with its transactions in full, or their hashes."""
        return self._once("full" if full else "hashes", lambda: self._block(full))

    def transaction_json(self, index: int) -> bytes:
        """One transaction."""
        return _encode(self._transaction(index, self.transactions[index]))

    def receipts(self) -> list[bytes]:
        """The receipts in order."""
        return [
            _encode(self._receipt(index, transaction))[:-1] + b',"logs":[' + b",".join(log.json for log in logs) + b"]}"
            for index, (transaction, logs) in enumerate(
                zip(self.transactions, self._logs_by_transaction(), strict=True)
            )
        ]

    def _once(self, name: str, make: Any) -> bytes:
        if name not in self._cached:
            self._cached[name] = make()
        made: bytes = self._cached[name]
        return made

    def _logs_by_transaction(self) -> list[list[ServedLog]]:
        place = {
            "blockNumber": hex(self.number),
            "blockHash": self.hash,
            "blockTimestamp": hex(self.timestamp),
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
        bloom = "0x" + ("ff" if any(transaction.logs for transaction in self.transactions) else "00") * 256
        return _encode(
            {
                "number": hex(self.number),
                "hash": self.hash,
                "parentHash": self.parent_hash,
                "timestamp": hex(self.timestamp),
                "nonce": "0x0000000000000000",
                "sha3Uncles": _ZERO_HASH,
                "logsBloom": bloom,
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

    def _block(self, full: bool) -> bytes:
        if full:
            transactions = [self.transaction_json(index) for index in range(len(self.transactions))]
        else:
            transactions = [_encode(transaction.hash) for transaction in self.transactions]
        return self.header_json()[:-1] + b',"uncles":[],"transactions":[' + b",".join(transactions) + b"]}"

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
            "chainId": hex(self._chain_id),
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


class LogFilter:
    """A JSON-RPC log filter's addresses and topics."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._addresses = _options(parameters.get("address"))
        self._topics = tuple(_options(topic) for topic in parameters.get("topics") or ())
        self.key = (self._addresses, self._topics)

    def passes(self, log: ServedLog) -> bool:
        """Whether a log matches."""
        if self._addresses is not None and log.address not in self._addresses:
            return False
        if len(log.topics) < len(self._topics):
            return False
        return all(wanted is None or topic in wanted for wanted, topic in zip(self._topics, log.topics, strict=False))


def _options(value: str | list[str] | None) -> frozenset[str] | None:
    if not value:
        return None
    return frozenset(option.lower() for option in ([value] if isinstance(value, str) else value))
