"""One connected client: what it wants, how far it has come, and what may be sent to it."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from indexer.stream.feed import EVERYTHING, FeedItem
from realtime.wire import TOO_SLOW, Wire

MOST_SUBSCRIPTIONS: Final = 64
MOST_HELD: Final = 20_000
"""Messages that may wait for the end of a replay."""


@dataclass(eq=False, slots=True)
class Client:
    """A connection with its subscriptions.

    `cursor` is the id up to which the client knows its channels. While it is behind the hub or ahead of it (after a
    replay from a newer snapshot), `settled` is False, and each frame is checked against the cursor.
    """

    wire: Wire
    cursor: int = 0
    channels: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    settled: bool = True
    revision: int = 0
    """The revision of the database up to which the client was told, once its replay has ended."""
    held: deque["Held"] | None = None
    """What the hub told while a replay is under way; None while there is none."""

    def wants(self, item: FeedItem) -> bool:
        """Whether one of its channels carries this."""
        return carries(self.channels, item)

    def tell(self, item: FeedItem, frame: bytes) -> None:
        """An item from the hub."""
        if self.settled:
            self.wire.write(frame)
        elif self.held is not None:
            self._hold(Held(item, frame, None))
        elif item.id > self.cursor:
            self.cursor = item.id
            self.wire.write(frame)

    def tell_reorg(self, dropped_from: int, frame: bytes) -> None:
        """Everything from this id on did not happen."""
        if self.settled:
            self.wire.write(frame)
        elif self.held is not None:
            self._hold(Held(None, frame, dropped_from))
        elif dropped_from <= self.cursor:
            self.cursor = dropped_from - 1
            self.wire.write(frame)

    def _hold(self, held: "Held") -> None:
        assert self.held is not None
        self.held.append(held)
        if len(self.held) > MOST_HELD:
            self.wire.close(TOO_SLOW)

    def release(self) -> None:
        """The replay has ended: tell what was held back."""
        held, self.held = self.held or (), None
        for one in held:
            if one.item is not None:
                if self.wants(one.item):
                    self.tell(one.item, one.frame)
            elif one.dropped_from is not None:
                self.tell_reorg(one.dropped_from, one.frame)

    def settle(self, revision: int) -> None:
        """The hub has told all up to a revision."""
        if self.held is None and revision >= self.revision:
            self.settled = True


def carries(channels: set[str], item: FeedItem) -> bool:
    """Whether an item belongs to one of these channels."""
    return item.channel in channels or (item.in_feed and EVERYTHING in channels)


@dataclass(frozen=True, slots=True)
class Held:
    """Something that waits for the end of a replay: an item, or the id from which on everything was dropped."""

    item: FeedItem | None
    frame: bytes
    dropped_from: int | None
