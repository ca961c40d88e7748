"""What is refused at the start: ABIs of which no right decoder could be made."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from indexer.decode.contract_abi import UnreadableAbi
from indexer.decode.decoder import LogDecoder
from indexer.domain import events
from indexer.domain.units import Address
from indexer.rules.registry import NoHandler, check_handlers
from tests.abis import abi_folder, event_abi
from tests.chains import ADDRESSES

TRANSFER = event_abi("Transfer", "address indexed from", "address indexed to", "uint256 value")
PASS = {"GhostKey": Address("0x08" + "c0" * 19)}


class Tipped(NamedTuple):
    """A new event."""

    player: Address
    amount: int
    note: str = ""


class GhostKeyTransfer(NamedTuple):
    """An event of an eighth contract, with the name of one of DataToken's."""

    from_: Address
    to: Address
    token_id: int


@pytest.fixture(autouse=True)
def new_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "Tipped", Tipped, raising=False)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("{", "GhostCore.json is no contract's ABI"),
        ('[{"type": "event", "name": "Tipped"}]', "GhostCore.json is no contract's ABI"),
        ([event_abi("Mystery", "address user")], r"GhostCore.Mystery: .*events.py has no class Mystery"),
        ([event_abi("Address", "address user")], r"GhostCore.Address: .*events.py has no class Address"),
        (
            [event_abi("Tipped", "address player", "uint256 amount", "function note")],
            "GhostCore.Tipped: .* of the type function of the argument 'note'",
        ),
        ([event_abi("Tipped", "address user", "uint256 amount")], "the class Tipped has no field 'user'"),
        ([event_abi("Tipped", "address player", "uint256 _")], "the class Tipped has no field ''"),
        ([event_abi("Tipped", "address player")], r"Tipped\(address\) do not fill .* default: amount"),
        ([event_abi("Tipped", "address player", "uint256 amount")], "no version has an argument for note"),
        ([event_abi("Tipped", "address player", "uint256 amount", anonymous=True)], "anonymous event"),
        (
            [
                event_abi("Tipped", "address player", "uint256 amount", "string note"),
                event_abi("Tipped", "address player", "bytes32 amount"),
            ],
            "Tipped: amount has another type in another version",
        ),
        (
            [event_abi("Tipped", "address player", "uint256 amount", "string note")] * 2,
            "one version stands twice",
        ),
    ],
)
def test_an_abi_that_can_not_be_read_is_refused_with_what_to_do(
    entries: Any, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with abi_folder(monkeypatch, tmp_path, GhostCore=entries), pytest.raises(UnreadableAbi, match=message) as refused:
        LogDecoder(ADDRESSES)
    assert refused.value.help


def test_an_event_without_a_handler_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = event_abi("Tipped", "address player", "uint256 amount", "string note")
    with abi_folder(monkeypatch, tmp_path, GhostCore=[entry]):
        LogDecoder(ADDRESSES)
        with pytest.raises(NoHandler, match=r"GhostCore\.Tipped"):
            check_handlers(ADDRESSES)


def test_a_contract_s_whole_abi_may_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    others: list[dict[str, Any]] = [
        {"type": "constructor", "inputs": []},
        {"type": "receive"},
        {"type": "error", "name": "Tipped", "inputs": []},
        {"type": "function", "name": "JackedIn", "inputs": [{"name": "user", "type": "address"}]},
    ]
    plain = set(LogDecoder(ADDRESSES).by_address_and_topic)
    with abi_folder(monkeypatch, tmp_path, GhostCore=others):
        assert set(LogDecoder(ADDRESSES).by_address_and_topic) == plain


def test_an_event_is_not_taken_for_one_of_the_same_name_of_another_contract(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    contracts = ADDRESSES | PASS
    shared = event_abi("Paused", "address account")
    taken_for = pytest.raises(UnreadableAbi, match=r"GhostKey.Transfer would be taken for DataToken.Transfer")
    with abi_folder(monkeypatch, tmp_path, GhostKey=[TRANSFER, shared]), taken_for:
        LogDecoder(contracts)
    token = event_abi("Transfer", "address indexed from", "address indexed to", "uint256 indexed tokenId")
    monkeypatch.setattr(events, "GhostKeyTransfer", GhostKeyTransfer, raising=False)
    with abi_folder(monkeypatch, tmp_path / "own class", GhostKey=[token, shared]):
        known = LogDecoder(contracts).by_address_and_topic
        names = {(contract, decoder.name) for contract, decoder in known.values()}
        assert {("DataToken", "Transfer"), ("GhostKey", "GhostKeyTransfer"), ("GhostKey", "Paused")} <= names
        assert ("GhostKey", "Transfer") not in names
