"""The silent changes that some blocks may contain, according to the contracts' state after the last of them."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby
from math import inf
from operator import attrgetter
from typing import NamedTuple

from indexer.decode.calldata import level_configs_in
from indexer.domain.chain import Block, ConfigChange, DecodedLog, Settlement, SilentChange, Transaction
from indexer.domain.events import Extracted, JackedIn, StakeAdded, SystemResetTriggered, Transfer
from indexer.domain.positions import owed_penalty, reset_penalty
from indexer.domain.state import ContractState
from indexer.domain.units import Address
from indexer.rules.game import Game
from indexer.rules.payments import claims_among
from indexer.sync.silent_changes import StateSource
from indexer.sync.suggested_transactions import Change


class Candidate(NamedTuple):
    """A change that may have been made in one of the blocks `since` to `until`.

    The state shows that it was (`is_shown`); or else an event in `until` made it, if nothing had done so before, or
    calldata of this block alone suggests it.
    """

    change: Change
    since: int
    until: int
    is_shown: bool


@dataclass(slots=True)
class _Stake:
    """What a living player's raw stake in wei may be by the events, the largest first, and the blocks of the resets
    whose penalty may have been taken of it since."""

    level: int
    amounts: list[int]
    resets: list[int] = field(default_factory=list)

    def settlements(self, user: Address, until: int, *, is_shown: bool) -> Iterator[Candidate]:
        """One for each reset, before the next one."""
        for since, end in zip(self.resets, [*self.resets[1:], until], strict=True):
            yield Candidate(Settlement(user), since, end, is_shown)


class Stakes:
    """The stakes of the players as the events of some blocks leave them, and the reset penalties that they may owe.

    `before` is the mirror before the block `first`, `blocks` are those from there on with logs of the contracts, and
    the last one; `proven` are silent changes, by block, that are certain.
    """

    def __init__(
        self, before: Game, first: int, blocks: Sequence[Block], proven: Mapping[int, Sequence[SilentChange]]
    ) -> None:
        self.settled_by_events: list[Candidate] = []
        """Settlements that may have come before the event that would otherwise have made them."""
        self._ghost_core = before.ghost_core
        self._last = blocks[-1].header
        self._stakes = {
            position.address: _Stake(position.level, [position.amount], [first] * (position.epoch < before.reset.epoch))
            for position in before.positions.values()
            if position.alive
        }
        for block in blocks:
            self._follow(block, proven.get(block.header.number, ()))

    def shown_settlements(self, source: StateSource, levels: AbstractSet[int]) -> list[Candidate]:
        """Players of some levels whose stake is settled in the contracts' state after the last block, though no event
        shows it; several times if the penalties of several resets were taken. Where more may have come after the last
        event, and fewer before it, those are added to `settled_by_events`."""
        owing = sorted((user, stake) for user, stake in self._stakes.items() if stake.resets and stake.level in levels)
        amounts = source.stakes([user for user, _ in owing], self._last) if owing else []
        shown = list[Candidate]()
        for (user, stake), amount in zip(owing, amounts or (), strict=amounts is not None):
            certain, possible = _after_last_event(user, stake, amount, self._last.number)
            shown += certain
            self.settled_by_events += possible
        return shown

    def _follow(self, block: Block, proven: Sequence[SilentChange]) -> None:
        """Apply a block's events and proven settlements, in their order."""
        by_transaction = (list(logs) for _, logs in groupby(block.logs, attrgetter("tx_index")))
        claims = frozenset[int]().union(*(claims_among(logs, self._ghost_core) for logs in by_transaction))
        steps: list[tuple[float, int, SilentChange | DecodedLog]] = [
            *((inf if silent.tx_index is None else silent.tx_index, -1, silent) for silent in proven),
            *((log.tx_index, log.event_id, log) for log in block.logs),
        ]
        for _, _, step in sorted(steps, key=lambda step: step[:2]):
            if isinstance(step, DecodedLog):
                self._follow_event(block.header.number, step, is_claim=step.event_id in claims)
            elif isinstance(step.change, Settlement):
                self._settle(step.change.user)

    def _follow_event(self, number: int, log: DecodedLog, *, is_claim: bool) -> None:
        match event := log.event:
            case JackedIn():
                self._stakes[event.user] = _Stake(event.level, [event.amount])
            case StakeAdded():
                self._settle(event.user, number)
                if event.user in self._stakes:
                    self._stakes[event.user].amounts = [event.new_total]
            case Extracted():
                self._settle(event.user, number)
                self._stakes.pop(event.user, None)
            case Transfer() if is_claim:
                self._settle(event.to, number)
            case SystemResetTriggered():
                for stake in self._stakes.values():
                    stake.resets.append(number)

    def _settle(self, user: Address, number: int | None = None) -> None:
        """Take the penalty that a player owes; by an event in the block `number`, unless None."""
        stake = self._stakes.get(user)
        if stake is None or not stake.resets:
            return
        if number is not None:
            self.settled_by_events += stake.settlements(user, number, is_shown=False)
        stake.amounts = _settled(stake.amounts, len(stake.resets))
        stake.resets.clear()


def config_changes(
    before: Game, proven: Mapping[int, Sequence[SilentChange]], state: ContractState, first: int, last: int
) -> Iterator[Candidate]:
    """The configurations that the contracts have after the blocks `first` to `last`, and that nothing proven made."""
    configs = {level_id: level.config for level_id, level in before.levels.items()}
    for number in sorted(proven):
        configs |= {
            one.change.level: one.change.config for one in proven[number] if isinstance(one.change, ConfigChange)
        }
    for level_id, config in sorted(configs.items()):
        if config != state.configs[level_id]:
            yield Candidate(ConfigChange(level_id, state.configs[level_id]), first, last, is_shown=True)


def nested_configs(ghost_core: Address, hinting: Mapping[int, Sequence[Transaction]]) -> Iterator[Candidate]:
    """The configurations that calldata of other contracts' calls suggests, each in its block: a later one hides them
    from the state. Anybody can send such calldata, so that they count only where the rules need them."""
    for number, transactions in sorted(hinting.items()):
        nested = (transaction for transaction in transactions if transaction.recipient != ghost_core)
        found = dict.fromkeys(config for transaction in nested for config in level_configs_in(transaction.input))
        for config in found:
            yield Candidate(ConfigChange(*config), number, number, is_shown=False)


def may_settle(before: Game, blocks: Sequence[Block]) -> set[Address]:
    """The players who may settle a reset's penalty in some blocks."""
    events = [log.event for block in blocks for log in block.logs]
    if any(isinstance(event, SystemResetTriggered) for event in events):
        return {*before.positions, *(event.user for event in events if isinstance(event, JackedIn))}
    return {position.address for position in before.positions.values() if owed_penalty(position, before.reset.epoch)}


def _after_last_event(
    user: Address, stake: _Stake, amount: int, last: int
) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
    """The settlements since the last event that explain a stake in the contracts' state after the block `last`: those
    in any case, and those if fewer came before that event; none if something else happened to the stake, or nothing.
    Where there were fewer than resets, it is unknown after which ones."""
    counts = range(len(stake.resets) + 1)
    times = [count for count in counts if any(_after(before, count) == amount for before in stake.amounts)]
    if not times:
        return [], []
    each = list(stake.settlements(user, last, is_shown=True))
    certain = each if times[0] == len(each) else [each[0]._replace(until=last)] * times[0]
    more = each if times[0] == 0 else [each[0]._replace(until=last)] * (times[-1] - times[0])
    possible = [one._replace(is_shown=False) for one in more] if times[-1] > times[0] else []
    return certain, possible


def _settled(amounts: Sequence[int], times: int) -> list[int]:
    """What may be left of a stake in wei, the largest first, by a settlement after so many resets: none, some or all of
    the earlier ones were settled before."""
    return sorted({_after(amount, count) for amount in amounts for count in range(1, times + 1)}, reverse=True)


def _after(amount: int, times: int) -> int:
    """What so many settlements leave of a stake in wei."""
    for _ in range(times):
        amount -= reset_penalty(amount)
    return amount
