"""Hand-made chains: blocks of transactions that emit events, as a node would serve them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from itertools import count
from types import MappingProxyType
from typing import Any

from eth_abi import abi

from indexer.chain.rpc_types import WireLog
from indexer.decode.block import Archive, decode_logs
from indexer.decode.contract_abi import ABI_FOLDER, CONTRACTS, events_of
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Block, Header, SilentChange, Transaction
from indexer.domain.events import Initialized, JackedIn, Transfer
from indexer.domain.levels import LevelConfig
from indexer.domain.units import DATA, ZERO_ADDRESS, Address, Calldata, Hash
from indexer.replay.recording import RecordedBlock, RecordedLog, RecordedTransaction, load_recording
from indexer.replay.state import RecordedState
from indexer.replay.truth import Truth
from indexer.rules.block import apply_block
from indexer.rules.game import Game
from indexer.rules.witness import NoWitness, Witness
from tests.abi_values import encoded
from tests.paths import FIXTURES

ADDRESSES = {name: Address(f"0x{index:02x}" + "c0" * 19) for index, name in enumerate(CONTRACTS, 1)}
GHOST_CORE, TRACE_SCAN = ADDRESSES["GhostCore"], ADDRESSES["TraceScan"]
START = 1_800_000_000

OPAQUE = "0x4641257d"
"""Calldata that is no evidence of anything."""
CLAIM_REWARDS = "0x372500ab"
"""A call of `claimRewards()`."""

Event = tuple[str, Any]
_DECODER = LogDecoder(ADDRESSES)


@dataclass(frozen=True)
class Recording:
    """A recorded chain and the contracts' views at some of its blocks; `state`, if any, has them at every block."""

    blocks: list[RecordedBlock]
    truth: Truth
    state: RecordedState | None


@cache
def recording(name: str) -> Recording:
    """A recording of the fixtures: `season`, `busy`, `traps` or `demo`."""
    state = FIXTURES / f"{name}_state.json.gz"
    return Recording(
        load_recording(FIXTURES / f"{name}.jsonl.gz"),
        Truth.load(FIXTURES / f"{name}_expected.json.gz"),
        RecordedState.load(state) if state.exists() else None,
    )


def user(number: int) -> Address:
    """A player's address."""
    return Address(f"0x{number:040x}".replace("0x00", "0xa1", 1))


INITIALIZED: Event = ("GhostCore", Initialized(1))
MINT: Event = ("DataToken", Transfer(ZERO_ADDRESS, user(99), 10**9 * DATA))
"""What is in the block that creates the contracts."""


def abi_of(contract: str, name: str) -> dict[str, Any]:
    """The ABI entry of an event."""
    entries = json.loads((ABI_FOLDER / f"{contract}.json").read_text())
    entry: dict[str, Any] = next(one for one in entries if (one["type"], one.get("name")) == ("event", name))
    return entry


def encode_log(contract: str, event: Any) -> RecordedLog:
    """An event as the contract logs it."""
    found = next(one for one in events_of(contract) if one.event_class is type(event))
    topics, types, values = [found.topic0], [], []
    for argument in found.arguments:
        name, value = argument.type.name, getattr(event, argument.field)
        if argument.indexed:
            topics.append("0x" + encoded([name], [value]).hex())
        else:
            types.append(name)
            values.append(value)
    return RecordedLog(ADDRESSES[contract], topics, "0x" + encoded(types, values).hex())


@dataclass
class ChainBuilder:
    """Builds a chain block by block; `now` is the newest block's time in unix seconds."""

    blocks: list[RecordedBlock] = field(default_factory=list)
    now: int = START
    _hashes: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        if not self.blocks:
            self.block()

    def transaction(
        self,
        *events: Event,
        sender: str = user(1),
        to: str | None = GHOST_CORE,
        calldata: str = "0x",
        status: int = 1,
        logs: Sequence[RecordedLog] = (),
    ) -> RecordedTransaction:
        """A transaction with these events, and `logs` after them."""
        return RecordedTransaction(
            hash=self._hash(),
            sender=sender,
            to=to,
            input=calldata,
            status=status,
            logs=[*(encode_log(contract, event) for contract, event in events), *logs],
        )

    def block(self, *transactions: RecordedTransaction, after: int = 1) -> RecordedBlock:
        """Append a block `after` seconds after the last one."""
        self.now += after
        block = self.as_block(transactions)
        self.blocks.append(block)
        return block

    def as_block(self, transactions: Sequence[RecordedTransaction]) -> RecordedBlock:
        """The next block with these transactions, at `now`."""
        parent = self.blocks[-1].hash if self.blocks else "0x" + "0" * 64
        return RecordedBlock(len(self.blocks), self._hash(), parent, self.now, list(transactions))

    def events(self, *events: Event, after: int = 1, **options: Any) -> RecordedBlock:
        """Append a block with one transaction with these events."""
        return self.block(self.transaction(*events, **options), after=after)

    def deploy(self) -> None:
        """A block that creates the contracts, with GhostCore's initialization and a supply of DATA."""
        self.block(*self.creations(*ADDRESSES), self.transaction(INITIALIZED, MINT))

    def creations(self, *contracts: str) -> list[RecordedTransaction]:
        """A transaction for each of these contracts that creates it."""
        return [
            RecordedTransaction(hash=self._hash(), sender=user(1), contract_address=ADDRESSES[name])
            for name in contracts
        ]

    def jack_in(self, who: Address, amount: int, level: int) -> None:
        """Append a block in which a player enters with an amount in wei."""
        self.events(
            ("GhostCore", JackedIn(who, amount, level, amount)),
            ("DataToken", Transfer(who, GHOST_CORE, amount)),
            sender=who,
        )

    def _hash(self) -> str:
        return f"0x{next(self._hashes):064x}"


def play(
    blocks: Sequence[RecordedBlock],
    witness: Witness | None = None,
    silent_changes: Mapping[int, Sequence[SilentChange]] = MappingProxyType({}),
) -> Game:
    """The game after these blocks, some of which have silent changes; the journal keeps all rows."""
    *_, game = game_after_each(blocks, witness, silent_changes)
    return game


def game_after_each(
    blocks: Sequence[RecordedBlock],
    witness: Witness | None = None,
    silent_changes: Mapping[int, Sequence[SilentChange]] = MappingProxyType({}),
) -> Iterator[Game]:
    """One game, as it stands after each of these blocks in turn."""
    game = Game(ADDRESSES, witness=witness or NoWitness())
    for recorded in blocks:
        apply_recorded(game, recorded, silent_changes.get(recorded.number, ()))
        yield game


def apply_recorded(game: Game, recorded: RecordedBlock, silent_changes: Sequence[SilentChange] = ()) -> None:
    """Apply a block of a hand-made chain."""
    header = Header(recorded.number, Hash(recorded.hash), Hash(recorded.parent_hash), recorded.timestamp)
    block = Block(header, silent_changes=list(silent_changes))
    block.transactions = [
        Transaction(
            index,
            Hash(transaction.hash),
            Address(transaction.sender),
            Address(transaction.to) if transaction.to else None,
            Calldata(transaction.input or "0x"),
        )
        for index, transaction in enumerate(recorded.txs)
        if transaction.status == 1
    ]
    decode_logs(_DECODER, block, wire_logs(recorded), Archive())
    apply_block(game, block)


def wire_logs(block: RecordedBlock) -> list[WireLog]:
    """A block's logs of our contracts as a node sends them."""
    logs, log_index = [], 0
    for tx_index, transaction in enumerate(block.txs):
        for log in transaction.logs:
            if log.address in ADDRESSES.values():
                logs.append(
                    WireLog(
                        log.address,
                        log.topics,
                        log.data,
                        block.hash,
                        transaction.hash,
                        hex(tx_index),
                        hex(log_index),
                        hex(block.number),
                    )
                )
            log_index += 1
    return logs


def submit_deaths(level: int, users: Sequence[Address]) -> str:
    """The calldata of `TraceScan.submitDeaths`."""
    return "0xfd297588" + abi.encode(["uint8", "address[]"], [level, list(users)]).hex()


def update_level_config(level: int, config: LevelConfig) -> str:
    """The calldata of `GhostCore.updateLevelConfig`."""
    types = ["uint8", "uint16", "uint32", "uint256", "uint32", "uint16", "uint16"]
    return "0xa6388332" + abi.encode(types, [level, *astuple(config)]).hex()


def wrapped(*calls: tuple[Address, str]) -> str:
    """The calldata of a contract that makes other calls: `execute(address[],bytes[])`."""
    targets, inputs = [target for target, _ in calls], [bytes.fromhex(data[2:]) for _, data in calls]
    return "0x205aa66e" + abi.encode(["address[]", "bytes[]"], [targets, inputs]).hex()
