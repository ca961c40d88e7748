"""The session settings that every connection relies on: server, database or role may define others."""

from typing import Final

_SETTINGS: Final = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
}
"""How values are written and read; `default_transaction_read_only` is not set, since those who set it had a reason."""

_TIME_OUTS: Final = (
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)


def _set(settings: dict[str, str]) -> str:
    """A statement that sets the settings, without those that the server does not know."""
    values = ", ".join(f"('{name}', '{value}')" for name, value in settings.items())
    return (
        f"SELECT set_config(name, value, false) FROM (VALUES {values}) AS wanted (name, value)"
        " WHERE current_setting(name, true) IS NOT NULL"
    )


SET_SESSION: Final = (
    f"{_set(_SETTINGS)} UNION ALL"
    " SELECT set_config('search_path',"
    " concat_ws(', ', nullif(nullif(current_setting('search_path'), ''), '\"\"'), 'public'), false)"
    " WHERE NOT 'public' = ANY (current_schemas(false))"
)
"""For every connection. Tables may be in a schema of one's own; the extension, or our `time_bucket`, is in `public`."""

LIFT_TIME_OUTS: Final = _set(dict.fromkeys(_TIME_OUTS, "0"))
"""For the connections of the indexer, the relay and the feed, which wait and work as long as they must; those that
answer requests keep the server's limits."""
