"""What the tests of the running indexer share."""

import pytest

from indexer.sync import missing_logs


@pytest.fixture(autouse=True)
def short_pauses_at_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_logs, "FIRST_PAUSE_SECONDS", 0.002)
