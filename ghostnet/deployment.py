"""The deployment to index: which chain, from which block on, and the addresses of the contracts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.decode.contract_abi import CONTRACTS
from indexer.selectors.addresses import checksummed


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to index: `contracts` maps the names in CONTRACTS to lower-case addresses."""

    chain_id: int
    start_block: int
    contracts: dict[str, str]


def read_deployment(path: str) -> Deployment:
    """The deployment of a JSON file. Raises ValueError, which says what is wrong."""
    try:
        document = json.loads(Path(path).read_text())
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror}); name a deployment's JSON file") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    return _parse(document, path)


def _parse(document: Any, path: str) -> Deployment:
    if not isinstance(document, dict) or set(document) != {"chain_id", "start_block", "contracts"}:
        raise ValueError(f"{path} must have exactly the keys chain_id, start_block and contracts")
    chain_id, start_block, contracts = document["chain_id"], document["start_block"], document["contracts"]
    if type(chain_id) is not int or chain_id < 1 or type(start_block) is not int or start_block < 0:
        raise ValueError(f"{path}: chain_id and start_block must be whole numbers, chain_id at least 1")
    if wrong := set(CONTRACTS) ^ set(contracts if isinstance(contracts, dict) else ()):
        names = f"{', '.join(CONTRACTS)}; missing or unknown: {', '.join(sorted(wrong))}"
        raise ValueError(f"{path}: contracts must name exactly {names}")
    addresses = {name: _address(contracts[name], f"{path}: contracts.{name}") for name in CONTRACTS}
    if len(set(addresses.values())) < len(addresses):
        raise ValueError(f"{path}: two contracts have the same address")
    return Deployment(chain_id, start_block, addresses)


def _address(text: Any, where: str) -> str:
    """An address in lower case. Raises ValueError, which begins with `where` it stands."""
    if not isinstance(text, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError(f"{where}: {text!r} is not an address (0x and 40 hex digits)")
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and text != checksummed(text):
        raise ValueError(
            f"{where}: {text} has a wrong checksum; check it for a typing error, or write it in lower case"
        )
    if int(text, 16) == 0:
        raise ValueError(f"{where}: the zero address is no contract")
    return text.lower()
