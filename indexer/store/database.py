"""Connections of the indexer's own: psycopg on the database of Django's settings."""

import json
from typing import Any

from django.db import connections
from psycopg import Connection


def connect() -> Connection[Any]:
    """A new connection in autocommit mode; the caller closes it. Raises django.db.OperationalError."""
    wrapper = connections.create_connection("default")
    wrapper.inc_thread_sharing()
    wrapper.ensure_connection()
    connection: Connection[Any] = wrapper.connection
    connection.autocommit = True
    return connection


def read_json(value: Any) -> Any:
    """A JSON column's value, whether or not the connection's loader has parsed it."""
    return json.loads(value) if isinstance(value, str | bytes) else value
