"""A second game at the same block as the first, to return to after a failed attempt to apply the next blocks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from indexer.chain.blocks import FetchedBlock, FetchedRange
from indexer.decode.block import Archive
from indexer.records.rows import Row, WitnessAnswerRow
from indexer.rules.game import Game
from indexer.rules.witness import NoWitness

MAX_BLOCKS: Final = 16
"""Ranges of more blocks are not applied to the spare game: they are far from the head, where a reload is acceptable."""


class SpareGame:
    """Follows a game by applying what was applied to it, which takes the time of that block however large the game is.

    `apply` applies a block to a game. The work is done in `refresh_or_create`, whenever there is nothing else to do.
    """

    def __init__(self, apply: Callable[[Game, FetchedBlock, Archive], None]) -> None:
        self._apply = apply
        self._game: Game | None = None
        self._behind: list[FetchedBlock] = []
        """The blocks that were applied to the game, but not yet to the spare one."""
        self._is_wanted = False

    def drop(self) -> None:
        """Drop the spare game, until `follow` is called again."""
        self._game, self._is_wanted = None, False
        self._behind.clear()

    def follow(self, fetched: FetchedRange, rows: Mapping[type[Row], Sequence[Any]]) -> None:
        """Note that a range was applied to the game, checked and without silent changes, with these rows. After answers
        of a node, which may differ when asked for again, the game is copied instead."""
        if fetched.size > MAX_BLOCKS or rows.get(WitnessAnswerRow):
            self.drop()
        self._is_wanted = fetched.size <= MAX_BLOCKS
        if self._game is not None:
            self._behind += fetched.blocks

    def refresh_or_create(self, game: Game) -> None:
        """Bring the spare game to the block of the game, or make it."""
        self.refresh()
        if self._game is None and self._is_wanted:
            self._game = game.copy()
            self._game.witness = NoWitness()

    def refresh(self) -> None:
        """Bring the spare game, if there is one, to the block of the game."""
        if self._game is not None and self._behind:
            for block in self._behind:
                self._apply(self._game, block, Archive())
            self._game.journal.take()
            self._game.blocks_to_check.clear()
            self._behind.clear()

    def take(self, spoiled: Game) -> Game | None:
        """The spare game in place of one that was spoiled after `refresh`, if there is one."""
        game, self._game = self._game, None
        if game is not None:
            game.witness = spoiled.witness.recording_into(game.journal.answer)
        return game
