"""Django's database backend for TimescaleDB and plain PostgreSQL, and the embedded server."""
