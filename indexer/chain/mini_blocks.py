"""Whole mini-blocks of MegaETH, as `eth_subscribe` `miniBlocks` brings them: everybody's transactions and receipts.

They say when a transaction is complete, and hold its calldata, which pending logs do not; but they cost as many bytes
as the whole chain. Nodes write their numbers as integers or in hex, and name some fields in two ways: only names that
all use are read.
"""

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from indexer.chain.blocks import parse_transaction
from indexer.chain.json_normalization import with_hex_quantities
from indexer.chain.rpc_types import WirePendingLog, WireTransaction
from indexer.domain.chain import Transaction
from indexer.domain.units import Hash


class _Receipt(msgspec.Struct):
    logs: list[WirePendingLog]


class _MiniBlock(msgspec.Struct):
    receipts: list[_Receipt]
    transactions: msgspec.Raw
    block_timestamp: str | int | None = None


_decode: Final = msgspec.json.Decoder(_MiniBlock).decode
_decode_transactions: Final = msgspec.json.Decoder(list[WireTransaction]).decode


class MiniBlock:
    """A mini-block, from its text with hex in lower case. Raises msgspec.MsgspecError if the text is none."""

    def __init__(self, raw: bytes) -> None:
        self._content = _decode(with_hex_quantities(raw))

    def logs_by_transaction(self, addresses: Collection[str]) -> Iterator[list[WirePendingLog]]:
        """The logs of these contracts, by transaction, each with its block's time where the mini-block has it."""
        time = self._content.block_timestamp
        for receipt in self._content.receipts:
            logs = [log for log in receipt.logs if log.address in addresses]
            for log in logs:
                if log.block_timestamp is None and time is not None:
                    log.block_timestamp = time if isinstance(time, str) else hex(time)
            if logs:
                yield logs

    def transactions(self, tx_hash: Hash) -> list[Transaction]:
        """The transaction with this hash, with its calldata; none if the mini-block lacks it."""
        found = _decode_transactions(self._content.transactions)
        return [parse_transaction(one) for one in found if one.hash == tx_hash]
