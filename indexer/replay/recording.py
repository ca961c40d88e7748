"""Recorded chains: a gzipped file of JSON lines, one block a line, in order and without gaps."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from indexer.base.errors import GhostnetError


class BadRecording(GhostnetError):
    """The file is no recording of a chain."""

    help = "A recording has one JSON object a line: number, hash, parentHash, timestamp, txs with their logs."


class RecordedLog(msgspec.Struct, gc=False):
    """A log as emitted."""

    address: str
    topics: list[str]
    data: str


class RecordedTransaction(msgspec.Struct, rename="camel"):
    """A transaction with its logs; `status` 1 for success."""

    hash: str
    sender: str = msgspec.field(name="from")
    to: str | None = None
    input: str | None = None
    status: int = 1
    value: int | str = 0
    nonce: int = 0
    gas_used: int = 21_000
    contract_address: str | None = None
    logs: list[RecordedLog] = msgspec.field(default_factory=list)


class RecordedBlock(msgspec.Struct, rename="camel"):
    """A block; timestamp in unix seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    txs: Sequence[RecordedTransaction] = ()


def load_recording(path: Path) -> list[RecordedBlock]:
    """The blocks of a recording, the first one being block 0.

    Raises BadRecording, which names the line.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            return linked(_parse(path, lines))
    except OSError as error:
        raise BadRecording(f"{path} can't be read: {error}") from error


def read_document(path: Path) -> Any:
    """What a gzipped JSON file beside a recording holds: a truth or a state. Raises BadRecording."""
    try:
        return msgspec.json.decode(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise BadRecording(f"{path} can't be read: {error}") from error


def linked(blocks: Iterable[RecordedBlock]) -> list[RecordedBlock]:
    """The blocks as a list; raises BadRecording unless they start at 0 and each is the child of the one before."""
    chain: list[RecordedBlock] = []
    for block in blocks:
        if block.number != len(chain) or (chain and block.parent_hash != chain[-1].hash):
            raise BadRecording(f"block {block.number} ({block.hash}) does not follow block {len(chain) - 1}")
        chain.append(block)
    if not chain:
        raise BadRecording("there is no block in it")
    return chain


def _parse(path: Path, lines: Iterable[bytes]) -> Iterator[RecordedBlock]:
    decoder = msgspec.json.Decoder(RecordedBlock)
    for number, line in enumerate(lines, 1):
        try:
            yield decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise BadRecording(f"{path}, line {number}: {error}") from error
