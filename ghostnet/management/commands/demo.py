"""Show the indexer at work on a recorded season."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from ghostnet.demo.demo import Demo
from indexer.management.base import GhostnetCommand, stop_on_signals


class Command(GhostnetCommand):
    """Runs the demo until Ctrl-C."""

    help = "Serve a recorded season as a live chain, index it, and show it in the browser. Ctrl-C stops everything."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web server on 127.0.0.1")

    def run(self, *, port: int, **options: Any) -> None:
        stop = stop_on_signals()
        Demo(settings.GHOSTNET.data_dir, port, self._say).run(stop)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
