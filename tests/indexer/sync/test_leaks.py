"""A worker that runs for months closes what it opens, and keeps nothing of earlier mirrors in memory."""

import gc
from pathlib import Path

import pytest

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.indexing import index

RUNS = 10
OPEN_FILES = Path("/proc/self/fd")


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are counted where Linux lists them")
def test_starting_and_stopping_leaves_no_file_open(database: str, season: list[RecordedBlock], truth: Truth) -> None:
    index_once(season, truth)
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(RUNS):
        index_once(season, truth)
    assert len(list(OPEN_FILES.iterdir())) < before + RUNS


def test_what_earlier_mirrors_held_is_forgotten(database: str, season: list[RecordedBlock], truth: Truth) -> None:
    """The collector leaves alone what is alive once a mirror is loaded: that must not add up by reorgs."""
    left_alone = []
    with ReplayServer(season, ReplayOptions(head=100)) as server:
        index(server, truth.contracts)
        for _ in range(RUNS):
            server.fork(2, 2)
            assert index(server, truth.contracts).rollbacks
            left_alone.append(gc.get_freeze_count())
    assert left_alone[-1] - left_alone[0] < 100 * RUNS


def index_once(season: list[RecordedBlock], truth: Truth) -> None:
    with ReplayServer(season[:50]) as server:
        index(server, truth.contracts)
