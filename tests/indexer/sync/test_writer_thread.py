"""The writer's thread: what has piled up before it is one commit."""

import json
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, BlockTime, Hash, Json, Text, first_id
from indexer.models import BlockHeader, Checkpoint, WitnessAnswer
from indexer.records.rows import WitnessAnswerRow
from indexer.store import writer
from indexer.store.claim import Claim
from indexer.store.writer import Batch, Writer
from indexer.sync.writer_thread import WriterThread
from tests.indexer.store.building import deployed, index_blocks


def batch_of(block: int, rows: int, most_few: int) -> Batch:
    """A finalized batch of one block, whose rows are rendered if they are more than `most_few`."""
    header = Header(block, Hash(f"0x{block:064x}"), NO_HASH, 1_000)
    answers = [
        WitnessAnswerRow(first_id(block) + number, BlockTime(1_000), Text(f"{block}/{number}"), Json(json.dumps(block)))
        for number in range(rows)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "FEW_ROWS", most_few)
        return Batch.of({WitnessAnswerRow: answers}, [header], finalized=True, chain_head=1_000)


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
