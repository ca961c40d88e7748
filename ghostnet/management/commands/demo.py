"""Show the indexer at work on a recorded game."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any, Final

from django.conf import settings

from ghostnet.demo.demo import Demo
from indexer.management.base import GhostnetCommand, port_number, stop_on_signals

SLOWEST: Final = 0.01
FASTEST: Final = 1000


class Command(GhostnetCommand):
    """Runs the demo until Ctrl-C."""

    help = "Serve a recorded game as a live chain, index it, and show it in the browser. Ctrl-C stops everything."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=port_number, default=8000, help="of the web server on 127.0.0.1")
        parser.add_argument(
            "--speed",
            type=_speed,
            default=1.0,
            help="blocks per second (default: 1). With more, the live part begins in the past, and ends now",
        )

    def run(self, *, port: int, speed: float, **options: Any) -> None:
        stop = stop_on_signals()
        Demo(settings.GHOSTNET.data_dir, port, speed, self._print).run(stop)

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _speed(text: str) -> float:
    """A speed in blocks per second."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        raise ArgumentTypeError(f"{text!r} is not a number from {SLOWEST} to {FASTEST}")
    return speed
