"""The alarm about logs that can't be decoded: so many that the node or the contracts must have changed."""

import json
from collections.abc import Sequence
from typing import Final

from indexer.decode.decoder import LogDecoder
from indexer.records.rows import UndecodedLogRow

LOGS: Final = 1_000
MAX_UNDECODED: Final = 10
"""Of LOGS logs in a row, at most MAX_UNDECODED may be undecoded."""


class UndecodedLogs:
    """Counts the logs of our contracts, and those that can't be decoded; `alarm` is the text of the alarm."""

    def __init__(self, decoder: LogDecoder) -> None:
        self._decoder = decoder
        self._logs = 0
        self._undecoded = 0
        self._is_wrong = False
        self.alarm: str | None = None
        """What is wrong; None if nothing was, or if so many logs were right since."""

    def count(self, decoded: int, undecoded: Sequence[UndecodedLogRow]) -> None:
        """Count the logs of a batch; one undecoded log of a known event sets the alarm, and so do too many others."""
        self._logs += decoded + len(undecoded)
        self._undecoded += len(undecoded)
        known = next((row for row in undecoded if self._is_known(row)), None)
        if known is not None:
            self._is_wrong = True
            self.alarm = f"a log of {known.address} in {known.tx_hash} is of a known event, but {known.reason}"
        elif self._undecoded > MAX_UNDECODED:
            self._is_wrong = True
            last = f"; the last: {undecoded[-1].reason}" if undecoded else ""
            self.alarm = f"{self._undecoded} of {self._logs} logs can't be decoded{last}"
        if self._logs >= LOGS:
            if not self._is_wrong:
                self.alarm = None
            self._logs = self._undecoded = 0
            self._is_wrong = False

    def _is_known(self, row: UndecodedLogRow) -> bool:
        topics = json.loads(row.topics)
        return bool(topics) and (str(row.address), topics[0]) in self._decoder.by_address_and_topic
