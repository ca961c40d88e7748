"""Types of the parts of JSON-RPC answers that are read; everything else in them is skipped while parsing.

`gc=False` keeps these many small, acyclic objects out of the garbage collector's sight.
"""

from typing import Annotated

import msgspec

HexBytes = Annotated[str, msgspec.Meta(pattern=r"\A(0x[0-9a-f]*)?\Z")]
"""Bytes in hex after `0x`. Python reads numbers also of what is no hex: signs, blanks, underscores. Data of sealed logs
are checked for a whole block at once (`indexer.chain.numbering`), which takes a fifth of the time."""


class WireLog(msgspec.Struct, rename="camel", gc=False):
    """A log, hex strings as sent."""

    address: str
    topics: list[str]
    data: str
    block_hash: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    block_number: str
    block_timestamp: str | None = None
    removed: bool | None = False


class WirePendingLog(msgspec.Struct, rename="camel", gc=False):
    """A log of a block that may not be sealed yet: then it has no hash."""

    address: str
    topics: list[str]
    data: HexBytes
    transaction_hash: str
    transaction_index: str
    log_index: str
    block_number: str
    block_hash: str | None = None
    block_timestamp: str | None = None
    removed: bool | None = False


class WireTransaction(msgspec.Struct, gc=False, rename={"sender": "from", "index": "transactionIndex"}):
    """A transaction; `to` is None where it creates a contract."""

    hash: str
    sender: str
    index: str
    input: str
    to: str | None = None


class WirePlacedTransaction(WireTransaction, rename={"block_hash": "blockHash"}, kw_only=True):
    """A transaction with its block's hash, None until it is sealed."""

    block_hash: str | None = None


class WireHeader(msgspec.Struct, rename="camel"):
    """A block without its transactions."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str
    logs_bloom: str | None = None


class WireBlock(WireHeader, kw_only=True):
    """A block with its transactions in full; without any some nodes leave the list out."""

    transactions: list[WireTransaction] | None = None
    gas_used: str = "0x0"


class WireReceipt(
    msgspec.Struct,
    gc=False,
    rename={
        "block_hash": "blockHash",
        "sender": "from",
        "transaction_hash": "transactionHash",
        "transaction_index": "transactionIndex",
    },
):
    """A transaction's receipt; `to` is None where it created a contract."""

    block_hash: str
    status: str
    transaction_hash: str
    transaction_index: str
    sender: str
    to: str | None = None
