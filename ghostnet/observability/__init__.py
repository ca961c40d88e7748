"""Observing the running system: health checks, logs, traces."""
