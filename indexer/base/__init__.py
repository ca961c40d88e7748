"""Helpers for all packages: errors that carry help, retry pauses, redaction of secrets, tracing, time buckets."""
