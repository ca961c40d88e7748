"""The reports that the indexer makes while it works, and the interface of their receivers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

from indexer.domain.scans import Evidence
from indexer.records.rows import ChainEventRow, DeathRow, Row, UndecodedLogRow
from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback

_name = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Applied:
    """An applied batch: `blocks` blocks, the last at height `block`, while the node's head was at height `head`.

    `events` counts the decoded logs by event name; `assumed_deaths` are those for which no evidence was found.
    """

    block: int
    head: int
    blocks: int
    events: Mapping[str, int]
    undecoded: Sequence[UndecodedLogRow]
    assumed_deaths: Sequence[DeathRow]

    @classmethod
    def of(cls, block: int, head: int, blocks: int, rows: Mapping[type[Row], Sequence[Any]]) -> Self:
        """Summarise the rows of a batch."""
        deaths: Sequence[DeathRow] = rows.get(DeathRow, ())
        return cls(
            block,
            head,
            blocks,
            Counter(map(_name, rows[ChainEventRow])),
            rows[UndecodedLogRow],
            [death for death in deaths if death.evidence == Evidence.ASSUMED],
        )

    @property
    def logs(self) -> int:
        return sum(self.events.values()) + len(self.undecoded)

    @property
    def lag(self) -> int:
        """Blocks between the last applied one and the head."""
        return max(0, self.head - self.block)


class Observer:
    """Receives reports of what the indexer did, on the indexer's thread; each method does nothing by default.

    An observer returns quickly and raises nothing: slow work belongs in a background job.
    """

    def applied(self, applied: Applied) -> None:
        """A batch was applied in memory; its commit follows."""

    def rolled_back(self, rollback: Rollback) -> None:
        """A reorg was rolled back and committed."""

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        """An alarm was raised, or (None) cleared."""


class Observers(Observer):
    """Passes each report to several observers, in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def applied(self, applied: Applied) -> None:
        for observer in self._observers:
            observer.applied(applied)

    def rolled_back(self, rollback: Rollback) -> None:
        for observer in self._observers:
            observer.rolled_back(rollback)

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        for observer in self._observers:
            observer.alarmed(kind, message)
