"""Child processes that belong together: they are started in order, and end when one of them or their parent does."""

import ctypes
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.base.errors import GhostnetError

STOP_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


class PartStopped(GhostnetError):
    """A process of the demo ended by itself."""

    help = "Its last lines stand above. `make clean` and a new `make demo` start from nothing."


@dataclass(slots=True)
class _Part:
    name: str
    process: subprocess.Popen[str]
    relay: threading.Thread


class Parts:
    """Python processes in one folder; `print_line` prints each line that they print, with the part's name."""

    def __init__(self, folder: Path, print_line: Callable[[str], object]) -> None:
        self._folder = folder
        self._print_line = print_line
        self._parts: list[_Part] = []
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a part in a session of its own: Ctrl-C reaches the parent alone, which stops the parts in order."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - nothing but prctl
        )
        relay = threading.Thread(target=self._relay, args=(name, process), daemon=True)
        self._parts.append(_Part(name, process, relay))
        relay.start()

    def await_ready(self) -> str:
        """The next line of a part that begins with READY. Raises PartStopped if one ends before."""
        while True:
            try:
                return self._ready.get(timeout=0.1)
            except queue.Empty:
                self.check()

    def check(self) -> None:
        """Raise PartStopped if a part has ended."""
        for part in self._parts:
            if part.process.poll() is not None:
                raise PartStopped(f"the {part.name} ended with exit code {part.process.returncode}")

    def stop(self) -> None:
        """End all parts, the newest first."""
        for part in reversed(self._parts):
            part.process.terminate()
            try:
                part.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                part.process.kill()
                part.process.wait()
            part.relay.join(STOP_SECONDS)

    def _relay(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line.startswith("READY"):
                    self._ready.put(line)
                self._print_line(f"[{name}] {line.rstrip()}")


def _die_with_parent() -> None:
    """Let Linux end this process when its parent dies, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
