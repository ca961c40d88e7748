"""Transactions that do not concern the contracts, to make blocks as large as those of a busy chain."""

import random
from collections.abc import Sequence
from typing import Final

import msgspec

_BLOCK_HASH: Final = "{block hash}"
_BLOCK_NUMBER: Final = "{block number}"
_SIXTEEN_DIGITS: Final = "{sixteen digits}"
_INDEX: Final = "{index}"
_TAIL: Final = "f0e1607a5ac71045" * 2
_CALLDATA_BYTES: Final = (4, 36, 68, 68, 68, 100, 132, 260, 420, 900)
"""Lengths of calldata in bytes, to be drawn from: mostly transfers, some swaps, some large ones."""

_encode = msgspec.json.Encoder().encode


class _Template:
    """JSON objects, joined by commas, that lack only the block they stand in."""

    def __init__(self, objects: Sequence[dict[str, object]]) -> None:
        self._parts: list[bytes] = []
        for number, one in enumerate(objects):
            before, after = _encode(one).split(_INDEX.encode())
            self._parts += [b"," + before if number else before, b"", after]

    def fill(self, number: int, block_hash: str, indexes: Sequence[bytes]) -> bytes:
        parts = self._parts.copy()
        parts[1::3] = indexes
        body = b"".join(parts).replace(_BLOCK_HASH.encode(), block_hash.encode())
        body = body.replace(_SIXTEEN_DIGITS.encode(), b"%016x" % number)
        return body.replace(_BLOCK_NUMBER.encode(), hex(number).encode())


class ForeignTransactions:
    """`count` transactions after a block's own ones, the same in every block but for their hashes.

    Nothing is kept: each answer is filled in from a template, two copies of which would outweigh the recording.
    """

    def __init__(self, count: int, chain_id: int) -> None:
        self.count = count
        draw = random.Random(count)  # noqa: S311 - the same for every run
        self._transactions = _Template([_transaction(place, chain_id, draw) for place in range(count)])
        self._receipts = _Template([_receipt(place, draw) for place in range(count)])
        self._indexes = [hex(index).encode() for index in range(count)]

    def transactions(self, number: int, block_hash: str, first_index: int) -> bytes:
        """The transactions as JSON objects joined by commas, the first one at this index of the block."""
        return self._transactions.fill(number, block_hash, self._indexes_from(first_index))

    def receipts(self, number: int, block_hash: str, first_index: int) -> bytes:
        """Their receipts, all of success and without logs."""
        return self._receipts.fill(number, block_hash, self._indexes_from(first_index))

    def hashes(self, number: int) -> bytes:
        """Their hashes as JSON strings joined by commas."""
        return b",".join(b'"%s"' % _hash(f"{number:016x}", place).encode() for place in range(self.count))

    def _indexes_from(self, first: int) -> Sequence[bytes]:
        while len(self._indexes) < first + self.count:
            self._indexes.append(hex(len(self._indexes)).encode())
        return self._indexes[first : first + self.count]


def _hash(number: str, place: int) -> str:
    return f"0x{number}{place:016x}{_TAIL}"


def _transaction(place: int, chain_id: int, draw: random.Random) -> dict[str, object]:
    return {
        "hash": _hash(_SIXTEEN_DIGITS, place),
        "nonce": _BLOCK_NUMBER,
        "blockHash": _BLOCK_HASH,
        "blockNumber": _BLOCK_NUMBER,
        "transactionIndex": _INDEX,
        "from": "0x" + draw.randbytes(20).hex(),
        "to": "0x" + draw.randbytes(20).hex(),
        "value": "0x0",
        "gas": "0x493e0",
        "gasPrice": "0xf4240",
        "maxFeePerGas": "0x1e8480",
        "maxPriorityFeePerGas": "0x0",
        "accessList": [],
        "input": "0x" + draw.randbytes(draw.choice(_CALLDATA_BYTES)).hex(),
        "type": "0x2",
        "chainId": hex(chain_id),
        "yParity": "0x1",
        "v": "0x1",
        "r": "0x" + draw.randbytes(32).hex(),
        "s": "0x" + draw.randbytes(32).hex(),
    }


def _receipt(place: int, draw: random.Random) -> dict[str, object]:
    return {
        "transactionHash": _hash(_SIXTEEN_DIGITS, place),
        "transactionIndex": _INDEX,
        "blockHash": _BLOCK_HASH,
        "blockNumber": _BLOCK_NUMBER,
        "from": "0x" + draw.randbytes(20).hex(),
        "to": "0x" + draw.randbytes(20).hex(),
        "gasUsed": "0x186a0",
        "contractAddress": None,
        "status": "0x1",
        "logs": [],
    }
