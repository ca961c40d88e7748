"""The search field: the pages that a text may refer to."""

import re
from dataclasses import dataclass
from typing import Final

from ghostnet.pages.wording import level_name, short
from indexer.domain.units import MAX_BLOCK, Hash
from indexer.selectors import blocks, markets
from indexer.selectors.addresses import checksummed
from indexer.selectors.snapshot import IndexedBlock

_ADDRESS: Final = re.compile("0x[0-9a-f]{40}")
_HASH: Final = re.compile("0x[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"(?:(block|scan|round|market)\s*)?#?\s*([0-9][0-9,]{0,18})")


@dataclass(frozen=True, slots=True)
class Found:
    """A page that a search leads to."""

    text: str
    href: str


def find(typed: str, block: IndexedBlock) -> list[Found]:
    """The pages that a text may mean: of a player, a transaction, a block, a scan or a market; blanks around it, its
    casing and a missing `0x` don't matter."""
    text = typed.strip().lower()
    if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text):
        text = f"0x{text}"
    if _ADDRESS.fullmatch(text):
        return [Found(f"player {short(text)}", f"/player/{checksummed(text)}")]
    if _HASH.fullmatch(text):
        return _by_hash(Hash(text))
    number = _NUMBER.fullmatch(text)
    return [] if number is None else _by_number(number[1], int(number[2].replace(",", "")), block)


def _by_hash(wanted: Hash) -> list[Found]:
    if blocks.block_of_transaction(wanted) is not None:
        return [Found(f"transaction {short(wanted)}", f"/tx/{wanted}")]
    number = blocks.block_with_hash(wanted)
    return [] if number is None else [Found(f"block {number}", f"/block/{number}")]


def _by_number(kind: str | None, number: int, block: IndexedBlock) -> list[Found]:
    found: list[Found] = []
    if kind in (None, "block") and block.start_block <= number <= block.block_number:
        found.append(Found(f"block {number}", f"/block/{number}"))
    if number >= MAX_BLOCK:
        return found
    if kind in (None, "scan") and (scan := blocks.scan_with(number)) is not None:
        level, scan_id = scan
        found.append(Found(f"scan #{scan_id} of {level_name(level)}", f"/scan/{level}/{scan_id}"))
    if kind in (None, "round", "market") and markets.round_(number, block.timestamp) is not None:
        found.append(Found(f"market #{number}", f"/round/{number}"))
    return found
