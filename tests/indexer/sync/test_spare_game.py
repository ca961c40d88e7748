"""Returning to a spare game after a failed attempt, without the tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from indexer.chain.options import SourceOptions
from indexer.chain.source import BlockSource
from indexer.decode.decoder import LogDecoder
from indexer.domain.units import Address
from indexer.records.rows import PositionRow, Row
from indexer.replay.server import ReplayServer
from indexer.rules.game import Game
from indexer.sync.applier import RangeApplier
from tests.chains import recording

Rows = defaultdict[type[Row], list[Any]]


@contextmanager
def source_of(name: str) -> Iterator[BlockSource]:
    """A source of a recording's blocks, and of the contracts' state after each of them."""
    recorded = recording(name)
    with ReplayServer(recorded.blocks, state=recorded.state) as node:
        source = BlockSource(SourceOptions([node.url], None, node.chain_id, recorded.truth.contracts))
        try:
            source.open()
            yield source
        finally:
            source.stop()


def never_loaded() -> Game:
    """What takes the place of a load from the tables where there must be none."""
    raise AssertionError("the game was loaded anew")


def settled(rows: Mapping[type[Row], Sequence[Any]]) -> list[tuple[int, str, str, str]]:
    """The penalties that were settled without a log: block, transaction, player, wei."""
    return [
        (row.id >> 23, row.tx_hash, row.address, str(row.penalty))
        for row in rows[PositionRow]
        if row.action == "penalty_settled"
    ]


@pytest.mark.parametrize(("name", "blocks", "pause"), [("busy", 5, 1), ("traps", 1, 1), ("traps", 1, 4)])
def test_silent_changes_at_the_head_are_found_without_loading_the_game(name: str, blocks: int, pause: int) -> None:
    """Each range is closed by the contracts' state, so that a spare game that differs in anything is found out. After
    every so many ranges there is a `pause`, and after a silent change, which takes the spare game."""
    truth, rows = recording(name).truth, Rows(list)
    contracts = {contract: Address(address) for contract, address in truth.contracts.items()}
    last = min(400, len(recording(name).blocks) - 1)
    with source_of(name) as source:
        applier = RangeApplier(source, LogDecoder(contracts), never_loaded)
        applier.start(Game(contracts), 0)
        for first in range(0, last + 1, blocks):
            known = len(settled(rows))
            for applied in applier.apply(source.fetch_closed(first, min(first + blocks - 1, last))):
                for kind, some in applied.rows.items():
                    rows[kind] += some
            if first % (blocks * pause) == 0 or len(settled(rows)) > known:
                applier.refresh_spare()
    expected = [one for one in truth.document["silentSettlements"] if one["block"] <= last]
    assert expected
    assert settled(rows) == [(one["block"], one["tx"], one["user"], one["penalty"]) for one in expected]
