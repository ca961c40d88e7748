"""The writer: few statements a batch, and the same rows whichever way they are sent."""

import json
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from indexer.domain.chain import Header
from indexer.domain.events import (
    JackedIn,
)
from indexer.domain.units import DATA, NO_HASH, BlockTime, Hash, Json, Text, first_id
from indexer.models import WitnessAnswer
from indexer.records.rows import WitnessAnswerRow
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store import claim, writer
from indexer.store.claim import Claim
from indexer.store.digest import state_digest
from indexer.store.statements import Statement, Statements
from indexer.store.tables import tables
from indexer.store.totals import wrong_totals
from indexer.store.writer import MAX_BYTES, MAX_HEADERS, Batch, Writer
from tests.chains import ChainBuilder, user
from tests.indexer.store.building import deployed, index_blocks
from tests.indexing import index


@pytest.mark.parametrize("players", [(1, 20), (600, 1200)], ids=["at once", "by COPY"])
def test_a_batch_takes_few_statements_however_many_rows(connection: Connection[Any], players: tuple[int, int]) -> None:
    counts = []
    for count in players:
        chain = deployed()
        chain.events(*(("GhostCore", JackedIn(user(n), 10 * DATA, 1, 10 * DATA)) for n in range(count)))
        with connection.transaction():
            connection.execute("TRUNCATE checkpoints, blocks, " + ", ".join(t.name for t in tables().values()))
            connection.execute("TRUNCATE " + ", ".join(t.current for t in tables().values() if t.current))
        counts.append(count_statements(connection, chain))
    assert counts[0] == counts[1] > 0


def test_few_rows_are_written_as_many_are(
    connection: Connection[Any],
    season: list[RecordedBlock],
    truth: Truth,
    digest_at: Callable[[int], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "FEW_ROWS", 1_000_000)
    with ReplayServer(season, ReplayOptions(head=200)) as node:
        index(node, truth.contracts)
    assert state_digest(connection) == digest_at(200)
    assert not wrong_totals(connection)


def test_texts_are_stored_as_they_are(connection: Connection[Any]) -> None:
    """Both of few rows and of many."""
    texts = ['a"b', "back\\slash", "tab\tnew\nline\r", "{a,b}", "NULL", "", "ü€𝄞", "'; --"]
    claim = Claim(connection)
    index_blocks(deployed().blocks)
    for number, (text, few) in enumerate(product(texts, (0, 1_000)), 2):
        row = WitnessAnswerRow(first_id(number), BlockTime(1_000), Text(text), Json(json.dumps(text)))
        header = Header(number, Hash(f"0x{number:064x}"), NO_HASH, 1_000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer, "FEW_ROWS", few)
            batch = Batch.from_rows({WitnessAnswerRow: [row]}, [header], finalized=False, chain_head=number)
        Writer(claim.take(), 100).write(batch)
        assert WitnessAnswer.objects.values_list("question", "answer").get(id=row.id) == (text, text)


@pytest.mark.parametrize(
    ("finalized", "size", "headers", "expected"),
    [
        ((True, True), 10, 1, True),
        ((True, True), MAX_BYTES // 2 + 1, 1, False),
        ((True, True), 10, MAX_HEADERS // 2 + 1, False),
        ((True, False), 10, 1, False),
        ((False, True), 10, 1, False),
        ((False, False), 10, 1, False),
    ],
)
def test_only_finalized_batches_of_limited_size_are_put_together(
    finalized: tuple[bool, bool], size: int, headers: int, expected: bool
) -> None:
    header = Header(2, NO_HASH, NO_HASH, 1_000)
    first, second = (
        Batch({WitnessAnswerRow: [b" " * (size // 2), b" " * (size - size // 2)]}, {}, [header] * headers, each)
        for each in finalized
    )
    assert first.can_merge(second) is expected


def note_statements(patch: pytest.MonkeyPatch) -> list[str]:
    """A list to which each statement is added that is sent at once, until the patch is undone."""
    noted: list[str] = []
    send = Statements.send

    def noting(statements: Statements, some: Iterable[Statement]) -> None:
        sent = list(some)
        noted.extend(text for text, _ in sent)
        send(statements, sent)

    patch.setattr(Statements, "send", noting)
    return noted


def count_statements(connection: Connection[Any], chain: ChainBuilder) -> int:
    class Counting(psycopg.Cursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("execute")
            return super().execute(*args, **kwargs)

        def copy(self, *args: Any, **kwargs: Any) -> Any:
            notices.append("copy")
            return super().copy(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        notices = note_statements(patch)
        patch.setattr(claim, "Cursor", Counting)
        index_blocks(chain.blocks)
    return len(notices)
