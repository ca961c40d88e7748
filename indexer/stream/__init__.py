"""From the database to whoever listens."""
