"""GhostCore's views after every block of a recording."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from indexer.chain import views
from indexer.chain.views import View
from indexer.replay.recording import read_document

_WORD: Final = 32
_POSITION_ALIVE: Final = views.GET_POSITION.fields.index("alive")


class History:
    """One view's answers for one set of arguments: (block, value) for each block after which it answered otherwise."""

    def __init__(self, changes: Sequence[tuple[int, Any]]) -> None:
        self._blocks = [block for block, _ in changes]
        self._answers = [encode_words(value if isinstance(value, list) else [value]) for _, value in changes]

    def at(self, block: int) -> bytes | None:
        """The encoded answer after a block; None before the first one that is recorded."""
        place = bisect_right(self._blocks, block)
        return self._answers[place - 1] if place else None

    @property
    def first(self) -> bytes:
        """The first recorded answer."""
        return self._answers[0]


class RecordedState:
    """Answers views at any block of a recording; `document` is its state file.

    The file has under `levels`, `config` (by level), `positions` (by player), `reset`, `paused` and `tvl` what the
    contract returned, as lists of [block, value or values]; wei stand there as decimal strings.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.contracts: Mapping[str, str] = document["contracts"]
        self._core = self.contracts["GhostCore"].lower()
        self._contract: dict[bytes, History] = {
            _calldata(view): History(document[name])
            for view, name in (
                (views.GET_SYSTEM_RESET, "reset"),
                (views.PAUSED, "paused"),
                (views.GET_TOTAL_VALUE_LOCKED, "tvl"),
            )
        }
        for view, name in ((views.GET_LEVEL_STATE, "levels"), (views.GET_LEVEL_CONFIG, "config")):
            for level, changes in document[name].items():
                self._contract[_calldata(view, int(level))] = History(changes)
        self._players: dict[bytes, History] = {}
        for player, changes in document["positions"].items():
            self._players[_calldata(views.GET_POSITION, player)] = History(changes)
            alive = [(block, values[_POSITION_ALIVE]) for block, values in changes]
            self._players[_calldata(views.IS_ALIVE, player)] = History(alive)

    @classmethod
    def load(cls, path: Path) -> "RecordedState":
        """Read a state file. Raises BadRecording."""
        return cls(read_document(path))

    def call(self, block: int, to: str, data: bytes) -> bytes | None:
        """The encoded answer of a view after a block; None for a view that is not recorded.

        Recording began some blocks after the contract was deployed and before anybody played: until then the views of
        the contract answer as they did first. A player without a position has zeros throughout.
        """
        if to.lower() != self._core:
            return None
        known = self._contract.get(data)
        if known is not None:
            return known.at(block) or known.first
        width = _UNKNOWN_WORDS.get(data[:4])
        if width is None:
            return None
        player = self._players.get(data)
        return (player.at(block) if player else None) or bytes(_WORD * width)


def encode_words(values: Sequence[Any]) -> bytes:
    """Numbers, decimal strings, addresses and truth values as ABI words of 32 bytes."""
    return b"".join(
        int(str(int(value)) if isinstance(value, bool) else str(value), 0).to_bytes(_WORD) for value in values
    )


def _calldata(view: View, *arguments: Any) -> bytes:
    return bytes.fromhex(view.calldata(*arguments)[2:])


_UNKNOWN_WORDS: Final[Mapping[bytes, int]] = {
    bytes.fromhex(view.selector): len(view.results)
    for view in (views.GET_POSITION, views.IS_ALIVE, views.GET_LEVEL_STATE, views.GET_LEVEL_CONFIG)
}
"""How many zeros these views return for players and levels that do not exist."""
