"""The writer on a thread of its own: the next batch is applied while the last one is being written."""

import queue
import threading

from indexer.store.writer import Batch, Writer


class WriterThread:
    """Writes batches in the order in which they were put, one waiting at most.

    What goes wrong while writing is raised by the next call, `check` included; after that nothing more is written.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._batches: queue.Queue[Batch | None] = queue.Queue(maxsize=1)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Hand over a batch; blocks while another one is waiting."""
        self.check()
        self._batches.put(batch)

    def drain(self) -> None:
        """Block until everything put is committed."""
        self._batches.join()
        self.check()

    def close(self) -> None:
        """Write what was put, then stop. Raises what went wrong while writing, unless another error is under way."""
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
        """Raise what went wrong while writing, if anything did."""
        if self._error is not None:
            raise self._error
