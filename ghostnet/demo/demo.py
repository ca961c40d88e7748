"""The demo: a recorded season as a live chain, the indexer and the web server, all in one terminal."""

import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from ghostnet.database.embedded import SUPERUSER, EmbeddedPostgres
from ghostnet.environment import PROJECT
from indexer.base.errors import GhostnetError

DATABASE: Final = "ghostnet_demo"
FIRST_HEAD: Final = 504
BLOCKS_PER_SECOND: Final = 20
STOP_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


class DemoStopped(GhostnetError):
    """A process of the demo ended by itself."""

    help = "Its last lines stand above. `make clean` and a new `make demo` start from nothing."


class DemoRunning(GhostnetError):
    """Another demo uses this folder's database."""

    help = "Stop it first (Ctrl-C where it runs); a demo in another clone can run beside it, on another port."


class WebPortTaken(GhostnetError):
    """The port for the browser is in use."""

    help = "Stop what listens there, or choose another port: make demo ARGS='--port 8001'."


@dataclass(slots=True)
class _Part:
    name: str
    process: subprocess.Popen[str]


class Demo:
    """Starts all parts, and stops them at the end; `print_line` prints a line."""

    def __init__(self, data_dir: Path, port: int, print_line: Callable[[str], object]) -> None:
        self._data_dir = data_dir
        self._server = EmbeddedPostgres(data_dir)
        self._port = port
        self._print_line = print_line
        self._parts: list[_Part] = []
        self._ready: dict[str, str] = {}

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Raises DemoStopped if a part ends, DemoRunning or WebPortTaken before anything is
        started."""
        self._check_port()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with (self._data_dir / "demo.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DemoRunning(f"a demo is running in {self._data_dir}") from error
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        was_running = self._server.answers()
        try:
            environment = self._prepare_database()
            self._start_node(environment)
            self._start("indexer", ["manage.py", "index_chain"], environment)
            self._start("web", ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self._port), *_WEB], environment)
            self._print_line(f"open http://127.0.0.1:{self._port}/ (Ctrl-C stops everything)")
            self._watch(stop)
        finally:
            for part in reversed(self._parts):
                _stop(part.process)
            if not was_running:
                self._server.stop()

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise WebPortTaken(f"port {self._port} is taken: {error.strerror}") from error

    def _prepare_database(self) -> dict[str, str]:
        """A fresh database, so that every demo shows the same; the environment of the parts."""
        host = str(self._server.ensure_running())
        with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgres://{SUPERUSER}@{quote(host, safe='')}/{DATABASE}",
            "GHOSTNET_DEPLOYMENT": str(PROJECT / "fixtures" / "deployments" / "season.json"),
            "PYTHONUNBUFFERED": "1",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=PROJECT, env=environment, check=True)
        self._make_operator(environment)
        return environment

    def _make_operator(self, environment: Mapping[str, str]) -> None:
        """An account for the admin: the environment's, or one with a new random password."""
        user = environment.get("DJANGO_SUPERUSER_USERNAME", "operator")
        password = environment.get("DJANGO_SUPERUSER_PASSWORD") or secrets.token_urlsafe(12)
        variables = {"DJANGO_SUPERUSER_USERNAME": user, "DJANGO_SUPERUSER_PASSWORD": password}
        command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", "", "-v", "0"]
        subprocess.run(command, cwd=PROJECT, env={**environment, **variables}, check=True)
        self._print_line(f"operators: http://127.0.0.1:{self._port}/admin/ as {user}, password {password}")

    def _start_node(self, environment: dict[str, str]) -> None:
        season = str(PROJECT / "fixtures" / "season.jsonl.gz")
        live = ["--head", str(FIRST_HEAD), "--blocks-per-second", str(BLOCKS_PER_SECOND), "--time-shift", "now"]
        self._start("node", ["manage.py", "replay_chain", season, "--port", "0", *live], environment)
        while "node" not in self._ready:
            self._check_parts()
            time.sleep(0.02)
        _, url, ws_url, *_ = self._ready["node"].split()
        environment["GHOSTNET_RPC_URLS"], environment["GHOSTNET_RPC_WS_URL"] = url, ws_url

    def _start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a part in a session of its own: Ctrl-C reaches us alone, and we stop the parts in order."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - nothing but prctl
        )
        part = _Part(name, process)
        self._parts.append(part)
        threading.Thread(target=self._relay, args=(part,), daemon=True).start()

    def _relay(self, part: _Part) -> None:
        assert part.process.stdout is not None
        for line in part.process.stdout:
            if line.startswith("READY"):
                self._ready[part.name] = line
            self._print_line(f"[{part.name}] {line.rstrip()}")

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(0.2):
            self._check_parts()

    def _check_parts(self) -> None:
        for part in self._parts:
            if part.process.poll() is not None:
                raise DemoStopped(f"the {part.name} ended with exit code {part.process.returncode}")


_WEB: Final = ("--verbosity", "0", "--ping-interval", "20", "--ping-timeout", "40", "ghostnet.asgi:application")


def _die_with_parent() -> None:
    """Let Linux end this process when its parent dies, however that happens."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
