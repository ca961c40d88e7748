"""What the tests of the running indexer share."""

from typing import Any

import pytest

from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync import missing_logs
from tests.chains import recording
from tests.databases import Databases, default_database
from tests.indexing import index


@pytest.fixture(autouse=True)
def short_pauses_at_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_logs, "FIRST_PAUSE_SECONDS", 0.002)


@pytest.fixture(scope="module")
def right(template: str, django_db_blocker: Any) -> str:
    """The digest of the recording `traps`, indexed in one go from a good node."""
    traps = recording("traps")
    with django_db_blocker.unblock():
        databases = Databases(template)
        with (
            default_database(databases.make()),
            ReplayServer(traps.blocks, state=traps.state) as server,
            connect() as connection,
        ):
            index(server, traps.truth.contracts)
            digest = state_digest(connection)
        databases.give_back()
    return digest
