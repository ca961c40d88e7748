"""The writer on a thread of its own, so that a batch is applied while the one before it is written."""

import threading

from indexer.store.writer import Batch, Writer


class WriterThread:
    """Writes batches in the order in which they are put; at most one waits, together with those that were put to it.

    An urgent one, while nothing is written, is sent to the database by the thread that puts it: to wake the writer's
    takes as long as to send it. Only its commit is waited for by the writer's.

    An error while writing is raised by the next call of any method; after it nothing more is written.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._changed = threading.Condition()
        self._waiting: Batch | None = None
        self._is_begun = False
        """Whether the batch that waits was sent."""
        self._is_writing = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="writer")
        self._error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Queue a batch to be written, merged with the waiting one if both may be one commit; else block until the
        waiting one is being written."""
        with self._changed:
            while self._waiting is not None and not self._waiting.can_merge(batch):
                self._changed.wait()
            self.check()
            if batch.is_urgent and self.is_idle:
                self._begin(batch)
            self._waiting = batch if self._waiting is None else self._waiting.merge(batch)
            self._changed.notify_all()

    def _begin(self, batch: Batch) -> None:
        """Send a batch, for the writer's thread to wait for."""
        try:
            self._writer.begin(batch)
        except BaseException as error:
            self._error = error
            raise
        self._is_begun = True

    @property
    def is_idle(self) -> bool:
        """Whether all queued batches are committed."""
        with self._changed:
            return self._waiting is None and not self._is_writing

    def drain(self) -> None:
        """Block until all queued batches are committed."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_idle)
        self.check()

    def close(self) -> None:
        """Write all queued batches, then end and join the thread. Raises the first error of writing, if any."""
        if self._thread.is_alive():
            with self._changed:
                self._is_closed = True
                self._changed.notify_all()
            self._thread.join()
        self.check()

    def _run(self) -> None:
        while (next_one := self._next()) is not None:
            batch, is_begun = next_one
            try:
                if is_begun:
                    self._writer.finish(batch)
                elif self._error is None:
                    self._writer.write(batch)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                self._error = error

    def _next(self) -> tuple[Batch, bool] | None:
        """The batch that waits, and whether it was sent; None once there is none and no more will be put."""
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting is not None or self._is_closed)
            batch, is_begun = self._waiting, self._is_begun
            self._waiting, self._is_begun = None, False
            self._is_writing = batch is not None
            self._changed.notify_all()
            return None if batch is None else (batch, is_begun)

    def check(self) -> None:
        """Raise the first error of writing, if there was one."""
        if self._error is not None:
            raise self._error
