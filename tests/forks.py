"""The project's processes, forked from an interpreter that has imported the libraries already.

A start of `manage.py` costs a second of computing, most of it for imports. A fork has done them; it reads its
environment and its settings, and sets Django up, as any new process does.
"""

import atexit
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import IO, Final

LIBRARIES: Final = (
    "aiohttp",
    "asgi_correlation_id",
    "autobahn.twisted.websocket",
    "axes",
    "cachetools",
    "csp",
    "daphne.endpoints",
    "daphne.http_protocol",
    "dj_database_url",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.contrib.postgres.fields",
    "django.core.management.commands.check",
    "django.db.backends.postgresql.base",
    "django.template.backends.django",
    "django.views.debug",
    "eth_abi.abi",
    "eth_hash.auto",
    "msgspec",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "prometheus_client",
    "pydantic",
    "rich.console",
    "starlette.middleware.cors",
    "timescale.db.models.fields",
    "twisted.internet.asyncioreactor",
    "websockets.asyncio.client",
    "whitenoise.middleware",
    "xml.dom.minidom",
)
"""None of them reads settings, starts a thread, or installs Twisted's reactor when it is imported."""

_CONTEXT: Final = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__, *LIBRARIES, "tests.preloaded", "tests.frozen"])


class Fork:
    """`python manage.py` or `python -m module` with these arguments and this environment, in the current folder.

    It is used like a `subprocess.Popen` whose output and errors are pipes of text. What a `quiet` one puts out is
    dropped, and its errors go where the tests' own go.
    """

    stdout: IO[str] | None
    stderr: IO[str] | None

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], *, quiet: bool = False) -> None:
        self.args = list(arguments)
        pipes = [] if quiet else [_CONTEXT.Pipe(duplex=False) for _ in range(2)]
        ends = [writer for _, writer in pipes]
        self._process = _CONTEXT.Process(target=_run, args=(self.args, dict(environment), ends), daemon=True)
        self._process.start()
        for end in ends:
            end.close()
        self.stdout = self.stderr = None
        if pipes:
            self.stdout, self.stderr = (_text(reader) for reader, _ in pipes)
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status; the signal that killed it as a negative number; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired after so many seconds."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All its standard output and standard error until its end. Raises subprocess.TimeoutExpired."""
        said = ["", ""]

        def read(number: int, file: IO[str]) -> None:
            with file:
                said[number] = file.read()

        readers = [
            threading.Thread(target=read, args=(number, file), daemon=True)
            for number, file in enumerate((self.stdout, self.stderr))
            if file is not None and not file.closed
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.returncode is None and self.pid is not None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _text(reader: "Connection[bytes, bytes]") -> IO[str]:
    file = os.fdopen(os.dup(reader.fileno()))
    reader.close()
    return file


def _run(arguments: list[str], environment: dict[str, str], ends: list["Connection[bytes, bytes]"]) -> None:
    """Become the process: in the fork."""
    os.environ.clear()
    os.environ.update(environment)
    if ends:
        for number, end in enumerate(ends, 1):
            os.dup2(end.fileno(), number)
            end.close()
    else:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    finally:  # as an interpreter ends; forks end without
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
