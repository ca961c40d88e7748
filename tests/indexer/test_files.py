"""A worker runs for months and reconnects often: whatever it opens, it closes."""

from pathlib import Path

import pytest

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
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


def index_once(season: list[RecordedBlock], truth: Truth) -> None:
    with ReplayServer(season[:50]) as server:
        index(server, truth.contracts)
