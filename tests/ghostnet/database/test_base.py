"""The database backend: a server that does not answer is given up after seconds, or as DATABASE_URL says."""

from typing import Any

import dj_database_url
import pytest
from django.db import connections


@pytest.mark.parametrize(("query", "seconds"), [("", 5), ("?connect_timeout=3", "3")])
def test_a_silent_server_is_given_up(query: str, seconds: Any) -> None:
    settings = {**connections.settings["default"], "ENGINE": "ghostnet.database"}
    settings |= dj_database_url.parse(f"postgres://nobody@127.0.0.1:9/x{query}") | {"ENGINE": "ghostnet.database"}
    settings.pop("EMBEDDED_IN", None)
    connections.settings["silent"] = settings
    try:
        assert str(connections["silent"].get_connection_params()["connect_timeout"]) == str(seconds)
    finally:
        del connections["silent"], connections.settings["silent"]
