"""The writer's thread: batches that wait for it become one commit."""

import json
from typing import Any

import pytest
from psycopg import Connection
from psycopg.pq import PipelineStatus

from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, BlockTime, Hash, Json, Text, first_id
from indexer.models import BlockHeader, Checkpoint, WitnessAnswer
from indexer.records.rows import WitnessAnswerRow
from indexer.store import writer
from indexer.store.claim import Claim, NotTheWriter
from indexer.store.writer import Batch, Writer
from indexer.sync.writer_thread import WriterThread
from tests.indexer.store.building import deployed, index_blocks


def batch_of(block: int, rows: int, most_few: int, *, finalized: bool = True) -> Batch:
    """A batch of one block, whose rows are rendered if they are more than `most_few`."""
    header = Header(block, Hash(f"0x{block:064x}"), NO_HASH, 1_000)
    answers = [
        WitnessAnswerRow(first_id(block) + number, BlockTime(1_000), Text(f"{block}/{number}"), Json(json.dumps(block)))
        for number in range(rows)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "FEW_ROWS", most_few)
        return Batch.from_rows({WitnessAnswerRow: answers}, [header], finalized=finalized, chain_head=1_000)


@pytest.mark.parametrize(
    "rendered", [(False, False, False), (True, True, True), (False, True, False), (True, False, True)]
)
def test_batches_that_wait_are_written_by_one_commit(connection: Connection[Any], rendered: tuple[bool, ...]) -> None:
    index_blocks(deployed().blocks)
    before, stored = Checkpoint.objects.get(), BlockHeader.objects.count()
    thread = WriterThread(Writer(Claim(connection).take(), 100))
    first = before.block_number + 1
    for block, by_copy in enumerate(rendered, first):
        thread.put(batch_of(block, 3, 0 if by_copy else 10))
    thread.start()
    thread.close()
    after = Checkpoint.objects.get()
    assert (after.block_number, after.revision) == (before.block_number + 3, before.revision + 1)
    assert BlockHeader.objects.count() == stored + 3
    assert list(WitnessAnswer.objects.order_by("id").values_list("question", "answer")) == [
        (f"{block}/{number}", block) for block in range(first, first + 3) for number in range(3)
    ]


def test_an_urgent_batch_is_sent_by_who_puts_it_and_committed_by_the_thread(connection: Connection[Any]) -> None:
    index_blocks(deployed().blocks)
    before = Checkpoint.objects.get().block_number
    thread = WriterThread(Writer(claim := Claim(connection).take(), 100))
    thread.put(batch_of(before + 1, 3, 10, finalized=False))
    assert connection.pgconn.pipeline_status == PipelineStatus.ON
    assert not thread.is_idle
    thread.start()
    thread.drain()
    assert connection.pgconn.pipeline_status == PipelineStatus.OFF
    thread.put(batch_of(before + 2, 3, 10, finalized=False))
    thread.put(batch_of(before + 3, 3, 0, finalized=False))
    thread.close()
    assert Checkpoint.objects.get().block_number == claim.block_number == before + 3
    assert WitnessAnswer.objects.count() == 9


@pytest.mark.parametrize("most_few", [0, 10])
def test_after_an_error_nothing_is_written(connection: Connection[Any], most_few: int) -> None:
    index_blocks(deployed().blocks)
    before = Checkpoint.objects.get().block_number
    thread = WriterThread(Writer(Claim(connection).take(), 100))
    Checkpoint.objects.update(block_number=before + 1)
    thread.put(batch_of(before + 1, 3, most_few, finalized=False))
    thread.start()
    with pytest.raises(NotTheWriter):
        thread.drain()
    with pytest.raises(NotTheWriter):
        thread.put(batch_of(before + 2, 3, 10, finalized=False))
    with pytest.raises(NotTheWriter):
        thread.close()
    assert not WitnessAnswer.objects.exists()
