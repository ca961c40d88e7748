"""The alarms that the indexing loop raises and clears: stored, and reported to an observer."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg import Connection

from indexer.store.alarms import AlarmKind, clear_alarm, note_alarm, raise_alarm
from indexer.sync.observer import Observer

_NOT_OF_THE_LOOP: Final = {AlarmKind.AUDIT, AlarmKind.UNDECODED}
"""Kinds that are not over when the head is reached."""


class StandingAlarms:
    """The alarms about indexing that are not over. `drain` is called before the connection is used: it ends what
    another thread does with it."""

    def __init__(self, connection: Connection[Any], observer: Observer, drain: Callable[[], None]) -> None:
        self._connection = connection
        self._observer = observer
        self._drain = drain
        self._kinds: set[AlarmKind] = set()
        self._reported: dict[AlarmKind, str | None] = {}

    def load(self, stored: Mapping[AlarmKind, str]) -> None:
        """Take over the alarms that an earlier run has stored."""
        self._kinds = stored.keys() - _NOT_OF_THE_LOOP

    def __contains__(self, kind: AlarmKind) -> bool:
        return kind in self._kinds

    def raise_until_head(self, kind: AlarmKind, message: str) -> None:
        """Raise an alarm that `clear_over` clears."""
        self.set(kind, message)
        self._kinds.add(kind)

    def set(self, kind: AlarmKind, message: str | None) -> None:
        """Raise an alarm, or (None) clear it."""
        self._drain()
        if message is None:
            clear_alarm(self._connection, kind)
        else:
            raise_alarm(self._connection, kind, message)
        self._observer.alarmed(kind, message)

    def report(self, kind: AlarmKind, message: str | None) -> None:
        """Store an incident without an alarm, if the message is another one than before: that something is wrong, or
        (None) is over."""
        if message == self._reported.get(kind):
            return
        self._reported[kind] = message
        self._drain()
        note_alarm(self._connection, kind, message)
        self._observer.alarmed(kind, message)

    def clear_over(self, head: int | None, tip: int) -> None:
        """Clear the alarms about indexing once the node's head is reached: what caused them is over. That the node is
        behind is over once its head is not below the last indexed block, `tip`."""
        over = set[AlarmKind]()
        if head is not None and head <= tip:
            over |= self._kinds - {AlarmKind.NODE_BEHIND}
        if head is not None and head >= tip:
            over |= self._kinds & {AlarmKind.NODE_BEHIND}
        for kind in sorted(over):
            self.set(kind, None)
        self._kinds -= over
