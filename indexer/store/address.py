"""Addresses of databases: Django's settings by a URL, checked before anything connects."""

from typing import Any

import dj_database_url
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo, timeout_from_conninfo


def database_settings(url: str) -> dict[str, Any]:
    """Django's settings of the database at a URL.

    Raises ValueError, which says what is wrong without the address: it may hold a password.
    """
    if not url.startswith(("postgres:", "postgresql:")):
        raise ValueError("not an address that starts with postgres:// or postgresql://")
    try:
        found: dict[str, Any] = {**dj_database_url.parse(url)}
    except ValueError:
        raise ValueError(
            "can't be read: postgresql://user@host:port/name, special characters of the password as %XX"
        ) from None
    options = found.get("OPTIONS", {})
    if not found["NAME"] and "service" not in options:
        raise ValueError("names no database: postgresql://user@host:port/name")
    try:
        make_conninfo(**options)
        timeout_from_conninfo(options)
    except ProgrammingError as error:
        raise ValueError(f"its part after the ? can't be used: {str(error).strip()}") from None
    return found
