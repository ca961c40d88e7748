"""How the running system is watched: health checks, logs, traces."""
