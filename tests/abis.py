"""ABIs as they may be after an upgrade of the contracts, and logs as the upgraded contracts emit them."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi
from eth_hash.auto import keccak

from indexer.decode import contract_abi
from indexer.decode.decoder import decoders_of
from indexer.replay.recording import RecordedLog


def event_abi(name: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """An event's entry of an ABI; each argument is its type, `indexed` or nothing, and its name."""
    inputs = []
    for argument in arguments:
        kind, *indexed, named = argument.split()
        inputs.append({"name": named, "type": kind, "indexed": bool(indexed)})
    return {"type": "event", "name": name, "anonymous": False, "inputs": inputs, **more}


@contextmanager
def abi_folder(
    monkeypatch: pytest.MonkeyPatch, folder: Path, **added: Sequence[dict[str, Any]] | str
) -> Iterator[None]:
    """The project's ABIs in another folder, with entries added to those of some contracts; a text is a whole file."""
    files = shutil.copytree(contract_abi.ABI_FOLDER, folder / "abi")
    for contract, entries in added.items():
        file = files / f"{contract}.json"
        old = json.loads(file.read_text()) if file.exists() else []
        file.write_text(entries if isinstance(entries, str) else json.dumps([*old, *entries]))
    caches = contract_abi.events_of, decoders_of
    with monkeypatch.context() as patch:
        patch.setattr(contract_abi, "ABI_FOLDER", files)
        for cached in caches:
            cached.cache_clear()
        try:
            yield
        finally:
            for cached in caches:
                cached.cache_clear()


def topic0_in(entry: dict[str, Any]) -> str:
    """The topic0 of an ABI's entry, whose arguments are no structs."""
    signature = f"{entry['name']}({','.join(argument['type'] for argument in entry['inputs'])})"
    return "0x" + keccak(signature.encode()).hex()


def logged(address: str, entry: dict[str, Any], *values: Any) -> RecordedLog:
    """A log of an event with an ABI's entry, whose indexed arguments are words."""
    inputs = entry["inputs"]
    topics, types, data = [topic0_in(entry)], [], []
    for argument, value in zip(inputs, values, strict=True):
        if argument["indexed"]:
            topics.append("0x" + abi.encode([argument["type"]], [value]).hex())
        else:
            types.append(argument["type"])
            data.append(value)
    return RecordedLog(address, topics, "0x" + abi.encode(types, data).hex())
