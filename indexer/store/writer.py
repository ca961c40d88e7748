"""Write a batch of applied blocks: history, current rows, totals, headers and checkpoint, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from psycopg import Connection

from indexer.base.tracing import TRACER
from indexer.domain.chain import Header
from indexer.domain.units import first_id
from indexer.records.rows import Row
from indexer.store.claim import Claim, MakePayload, no_payload
from indexer.store.database import enlarge_send_buffer
from indexer.store.few_rows import FEW_ROWS, few_headers, few_rows
from indexer.store.statements import Statement, copy_in
from indexer.store.tables import Table, tables, time_text
from indexer.store.totals import additions

_DO_NOT_WAIT: Final[Statement] = "SET LOCAL synchronous_commit = off", ()
_PLAN_BY_VALUES: Final[Statement] = "SET LOCAL plan_cache_mode = force_custom_plan", ()
"""The planner shall see which rows are meant: a plan for any would be made when the table was small."""
_FORGET_HEADERS: Final = "DELETE FROM blocks WHERE number <= $1"
_NOTE_CHECKED: Final = "UPDATE checkpoints SET checked_block = $1"
_APPENDED: Final = "id >= $1 AND id < $2 AND block_time >= $3"
"""What the rows of a batch meet. Their ids are bounded on both sides, though nothing lies above: the planner has no
statistics of a fresh table and would read all of it for a one-sided bound."""
MAX_BYTES: Final = 12_000_000
"""Of COPY texts of batches that are committed together."""
_ROWS_AT_ONCE: Final = 1_000
"""Rows that are made text together: so many fit into the processor's caches."""
MAX_HEADERS: Final = 10_000
"""Of batches that are committed together: those without rows take memory too."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive blocks, applied: their rows, and those of their headers that are known, oldest first: at least those
    of blocks with rows, and the last one. A table's rows are COPY `texts`, in parts, or, where they are `few`, as the
    rules left them."""

    texts: Mapping[type[Row], Sequence[bytes]]
    few: Mapping[type[Row], Sequence[Any]]
    headers: Sequence[Header]
    finalized: bool = False
    """Whether no expected reorg can drop the blocks: the commit then does not wait for the disk. After a crash of the
    database the checkpoint is that of an earlier batch, never one without its rows."""
    chain_head: int = 0
    """The height of the node's newest known block."""
    checked_block: int | None = None
    """The last block after which the game was compared with the contracts' state; None for the last one here."""
    payload: MakePayload = no_payload
    """Makes what the commit's notification carries."""

    @classmethod
    def from_rows(
        cls,
        rows: Mapping[type[Row], Sequence[Any]],
        headers: Sequence[Header],
        *,
        finalized: bool,
        chain_head: int,
        checked_block: int | None = None,
        payload: MakePayload = no_payload,
    ) -> Self:
        """A batch of these rows; the last header becomes the checkpoint. Of many rows nothing is announced."""
        texts = {row: copy_text(row, some) for row, some in rows.items() if len(some) > FEW_ROWS}
        few = {row: some for row, some in rows.items() if 0 < len(some) <= FEW_ROWS}
        if sum(map(len, rows.values())) > FEW_ROWS:
            payload = no_payload
        return cls(texts, few, headers, finalized, chain_head, checked_block, payload)

    @property
    def is_urgent(self) -> bool:
        """Whether it is of the head, where somebody waits for it, and small."""
        return not self.finalized and not self.texts

    def can_merge(self, later: "Batch") -> bool:
        """Whether the next batch may be committed together with this one: both are finalized, and not too large."""
        size = sum(len(part) for batch in (self, later) for parts in batch.texts.values() for part in parts)
        is_small = size <= MAX_BYTES and len(self.headers) + len(later.headers) <= MAX_HEADERS
        return is_small and self.finalized and later.finalized

    def merge(self, later: "Batch") -> "Batch":
        """This batch and the next one, as one commit, of which nothing is announced."""
        texts, few = dict[type[Row], Sequence[bytes]](), dict[type[Row], Sequence[Any]]()
        for row in {**self.texts, **self.few, **later.texts, **later.few}:
            some = [*self.few.get(row, ()), *later.few.get(row, ())]
            if row in self.texts or row in later.texts or len(some) > FEW_ROWS:
                texts[row] = [*self._parts(row), *later._parts(row)]
            else:
                few[row] = some
        return Batch(
            texts,
            few,
            [*self.headers, *later.headers],
            finalized=True,
            chain_head=later.chain_head,
            checked_block=later.checked_block,
        )

    def _parts(self, row: type[Row]) -> Sequence[bytes]:
        return self.texts[row] if row in self.texts else copy_text(row, self.few.get(row, ()))


class Writer:
    """Writes batches of one chain on the claim's connection, each in a transaction of its own."""

    def __init__(self, claim: Claim, headers_kept: int) -> None:
        self._claim = claim
        self._headers_kept = headers_kept
        self._checked: tuple[int | None] | None = None
        """The last batch's `checked_block`; None before the first batch."""
        enlarge_send_buffer(claim.connection)

    def write(self, batch: Batch) -> None:
        """Commit a batch, or nothing of it. May block on the database; raises NotTheWriter and psycopg.Error."""
        if batch.texts:
            with _commit(batch):
                self._copy(batch)
        else:
            self.begin(batch)
            self.finish(batch)

    def begin(self, batch: Batch) -> None:
        """Send all that commits a batch without COPY texts, without waiting for it; `finish` is to be called next, on
        whichever thread. Raises psycopg.Error."""
        self._claim.begin_move(batch.headers[-1], batch.chain_head, self._few(batch), batch.payload)

    def finish(self, batch: Batch) -> None:
        """Wait for the commit that was begun; blocks and raises as `write`."""
        with _commit(batch):
            self._claim.finish_move()

    def _few(self, batch: Batch) -> Iterator[Statement]:
        """The statements that write all of a batch but the COPY texts."""
        if batch.finalized:
            yield _DO_NOT_WAIT
        yield from few_rows(batch.few)
        yield few_headers(batch.headers[-self._headers_kept :])
        yield _FORGET_HEADERS, (str(batch.headers[-1].number - self._headers_kept),)
        if self._checked != (batch.checked_block,):
            self._checked = (batch.checked_block,)
            yield _NOTE_CHECKED, (None if batch.checked_block is None else str(batch.checked_block),)

    def _copy(self, batch: Batch) -> None:
        with self._claim.transaction_to(batch.headers[-1], batch.chain_head):
            append(self._claim.connection, [(tables()[row], parts) for row, parts in batch.texts.items()])
            self._claim.statements.execute(self._after_copy(batch))

    def _after_copy(self, batch: Batch) -> Iterator[Statement]:
        """The statements that write the rest of a batch whose COPY texts are written."""
        yield from self._few(batch)
        yield _PLAN_BY_VALUES
        appended = _appended(batch.headers)
        for row in batch.texts:
            if tables()[row].current:
                yield tables()[row].make_current(_APPENDED), appended
            for addition in additions(tables()[row], _APPENDED):
                yield addition, appended


@contextmanager
def _commit(batch: Batch) -> Iterator[None]:
    """What waits for the database, as a span of the trace."""
    with TRACER.start_as_current_span("commit", attributes={"block": batch.headers[-1].number}):
        yield


def copy_text(row: type[Row], rows: Sequence[Any]) -> Sequence[bytes]:
    """Rows in PostgreSQL's COPY text format, in parts."""
    lines = tables()[row].lines
    return [lines(rows[first : first + _ROWS_AT_ONCE]).encode() for first in range(0, len(rows), _ROWS_AT_ONCE)]


def append(connection: Connection[Any], texts: Sequence[tuple[Table, Sequence[bytes]]]) -> None:
    """Append rows in COPY text format to history tables, in the caller's transaction."""
    copy_in(connection, [(f"COPY {table.name} ({table.column_list}) FROM STDIN", parts) for table, parts in texts])


def _appended(headers: Sequence[Header]) -> Sequence[str]:
    """The parameters of the condition that exactly the rows of these blocks meet."""
    return (
        str(first_id(headers[0].number)),
        str(first_id(headers[-1].number + 1)),
        time_text(min(header.timestamp for header in headers)),
    )
