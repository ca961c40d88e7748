"""The project's database backend: TimescaleDB where the server has it, plain PostgreSQL where not."""
