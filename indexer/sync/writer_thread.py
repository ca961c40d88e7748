"""The writer on a thread of its own, so that a batch is applied while the one before it is written."""

import queue
import threading

from indexer.store.writer import Batch, Writer


class WriterThread:
    """Writes batches in the order in which they are put; at most one waits.

    An error while writing is raised by the next call of any method; after it nothing more is written.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._batches: queue.Queue[Batch | None] = queue.Queue(maxsize=1)
        self._thread = threading.Thread(target=self._run, name="writer")
        self._error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Queue a batch to be written; blocks while another one is queued."""
        self.check()
        self._batches.put(batch)

    @property
    def is_idle(self) -> bool:
        """Whether all queued batches are committed."""
        return not self._batches.unfinished_tasks

    def drain(self) -> None:
        """Block until all queued batches are committed."""
        self._batches.join()
        self.check()

    def close(self) -> None:
        """Write all queued batches, then end and join the thread. Raises the first error of writing, if any."""
        if self._thread.is_alive():
            self._batches.put(None)
            self._thread.join()
        self.check()

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                if self._error is None:
                    self._writer.write(batch)
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                self._error = error
            finally:
                self._batches.task_done()

    def check(self) -> None:
        """Raise the first error of writing, if there was one."""
        if self._error is not None:
            raise self._error
