"""Types of the chain's values, the contracts' constants, and the ids that order rows as the chain does."""

from functools import lru_cache
from typing import Final, NewType

Address = NewType("Address", str)
"""`0x` and 40 lower-case hex digits."""

Hash = NewType("Hash", str)
"""`0x` and 64 lower-case hex digits: a block hash, a transaction hash, a bytes32."""

ADDRESS_PATTERN: Final = "0[xX][0-9a-fA-F]{40}"
HASH_PATTERN: Final = "0[xX][0-9a-fA-F]{64}"
"""An address and a hash as clients may write them, in any casing; without anchors."""

Calldata = NewType("Calldata", str)
"""`0x` and the hex digits of a transaction's input or a log's data."""

Text = NewType("Text", str)
"""Free text, escaped when it is written; plain `str` columns hold names that this project defines."""

Json = NewType("Json", str)
"""A JSON document as text."""

BlockTime = NewType("BlockTime", int)
"""A block's timestamp in unix seconds; stored as a timestamp with time zone."""

ZERO_ADDRESS: Final = Address("0x" + "0" * 40)
NO_HASH: Final = Hash("0x" + "0" * 64)
DEAD_ADDRESS: Final = Address("0x" + "0" * 36 + "dead")

PRECISION: Final = 10**18
"""Fixed-point scale of `accRewardsPerShare` (the contracts' `PREC`)."""

BPS: Final = 10_000
"""Basis points in a whole."""

DATA: Final = 10**18
"""Wei in one DATA."""

LOG_INDEX_BITS: Final = 23
"""Bits of an id below the block number: they hold a log index, or a row's number in its block."""
MAX_IN_BLOCK: Final = 1 << LOG_INDEX_BITS
"""More logs or transactions than any block has: their indices are below."""
MAX_BLOCK: Final = 1 << 39
"""The largest block number that clients may name: more than any chain has, and its ids still fit into 64 bits."""
MAX_ID: Final = (1 << 63) - 1
"""The largest id that PostgreSQL's `bigint` holds."""


class NotHex(ValueError):
    """A number that does not begin with `0x`: it may be decimal."""


@lru_cache(maxsize=4096)
def quantity(text: str) -> int:
    """A number as nodes write it: in hex after `0x`; some write zero without a digit.

    The latest are kept: most are indices in a block, which come again in each.

    Raises NotHex without `0x`, and ValueError for no number.
    """
    if text[:2] == "0x":
        return int(text, 16) if len(text) > len("0x") else 0
    if not text:
        return 0
    raise NotHex(f"{text!r} does not begin with 0x: it may be decimal")


def to_bytes(digits: str) -> bytes:
    """The bytes of `0x` and hex digits: of an address, a hash or calldata, as the database holds them."""
    return bytes.fromhex(digits[2:])


def to_hex(raw: bytes) -> str:
    """`0x` and the lower-case hex digits of some bytes."""
    return "0x" + bytes(raw).hex()


def address_of(raw: bytes) -> Address:
    """An address from its 20 bytes."""
    return Address(to_hex(raw))


def hash_of(raw: bytes) -> Hash:
    """A hash from its 32 bytes."""
    return Hash(to_hex(raw))


def event_id(block_number: int, log_index: int) -> int:
    """The id of a log's event: one 64-bit integer that increases in chain order."""
    return block_number << LOG_INDEX_BITS | log_index


def first_id(block_number: int) -> int:
    """The smallest id that a row of this block can have."""
    return block_number << LOG_INDEX_BITS


def log_index_of(event_id: int) -> int:
    """The log index of an event id."""
    return event_id & (1 << LOG_INDEX_BITS) - 1


def block_of(event_id: int) -> int:
    """The block number of an event id or a row id; both are built in the same way."""
    return event_id >> LOG_INDEX_BITS
