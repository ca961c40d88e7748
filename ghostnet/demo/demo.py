"""The demo: a recorded game as a live chain, the indexer and the web server, all in one terminal."""

import fcntl
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg

from ghostnet.database.embedded import SUPERUSER, EmbeddedPostgres
from ghostnet.demo.parts import Parts
from ghostnet.environment import PROJECT
from indexer.base.errors import GhostnetError
from indexer.store.checkpoint import NothingIndexed, read_checkpoint

DATABASE: Final = "ghostnet_demo"
FIXTURES: Final = PROJECT / "fixtures"
FIRST_HEAD: Final = 899
"""The last block of the month that is indexed before the live part, whose blocks come one a second."""
FRONTEND: Final = "http://localhost:5173"
"""The origin of frontends in development, served by Vite; their pages may use the demo (docs/frontend.md)."""
WORK_LIMIT: Final = 600
"""Seconds of work a minute for one client: all of a demo's browsers are on this machine, so one client to it."""
REORG_SECONDS: Final = 240
AUDIT_SECONDS: Final = 300
_START: Final = b'{"jsonrpc":"2.0","id":1,"method":"replay_start","params":[]}'
"""Lets the node's head move."""
_WEB: Final = ("--verbosity", "0", "--ping-interval", "20", "--ping-timeout", "40", "ghostnet.asgi:application")


class DemoRunning(GhostnetError):
    """Another demo uses this folder's database."""

    help = "Stop it first (Ctrl-C where it runs); a demo in another clone can run beside it, on another port."


class WebPortTaken(GhostnetError):
    """The port for the browser is in use."""

    help = "Stop what listens there, or choose another port: make demo ARGS='--port 8001'."


class Demo:
    """Starts all parts, and stops them at the end; `speed` in blocks per second, `print_line` prints a line."""

    def __init__(self, data_dir: Path, port: int, speed: float, print_line: Callable[[str], object]) -> None:
        self._data_dir = data_dir
        self._server = EmbeddedPostgres(data_dir)
        self._port = port
        self._speed = speed
        self._print_line = print_line
        self._parts = Parts(PROJECT, print_line)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Raises PartStopped if a part ends, DemoRunning or WebPortTaken before anything is
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
            self._start_node()
            environment = self._prepare_database()
            _, node_url, node_ws_url, *_ = self._parts.await_ready().split()
            environment |= {"GHOSTNET_RPC_URLS": node_url, "GHOSTNET_RPC_WS_URL": node_ws_url}
            self._parts.start("indexer", ["manage.py", "index_chain"], environment)
            self._parts.start("web", ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self._port), *_WEB], environment)
            self._await(lambda: _has_indexed(environment["DATABASE_URL"]), stop)
            self._await(self._serves_the_page, stop)
            if not stop.is_set():
                _request(urlsplit(node_url).port or 0, "POST", "/", _START)
                self._print_line(f"open http://127.0.0.1:{self._port}/ (Ctrl-C stops everything)")
            self._await(stop.is_set, stop)
        finally:
            self._parts.stop()
            if not was_running:
                self._server.stop()

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise WebPortTaken(f"port {self._port} is taken: {error.strerror}") from error

    def _start_node(self) -> None:
        """Serve the recording as if it happened now; its head stands still until the page can show it."""
        options = {
            "--state": FIXTURES / "demo_state.json.gz",
            "--port": 0,
            "--head": FIRST_HEAD,
            "--blocks-per-second": self._speed,
            "--time-shift": "now",
            "--mini-blocks": 10,
            "--reorg-every": max(1, round(REORG_SECONDS * self._speed)),
            "--reorg-depth": 3,
        }
        arguments = [str(word) for option in options.items() for word in option]
        recording = str(FIXTURES / "demo.jsonl.gz")
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._parts.start("node", ["manage.py", "replay_chain", recording, "--hold", *arguments], environment)

    def _prepare_database(self) -> dict[str, str]:
        """A fresh database, so that every demo shows the same, with an account for the admin: the environment's, or one
        with a new random password. Returns the environment of the parts."""
        host = str(self._server.ensure_running())
        with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        environment = {
            "GHOSTNET_CORS_ORIGINS": FRONTEND,
            "GHOSTNET_WORK_LIMIT": str(WORK_LIMIT),
            **os.environ,
            "DATABASE_URL": f"postgres://{SUPERUSER}@{quote(host, safe='')}/{DATABASE}",
            "GHOSTNET_DEPLOYMENT": str(FIXTURES / "deployments" / "demo.json"),
            "GHOSTNET_AUDIT_EVERY": str(max(1, round(AUDIT_SECONDS * self._speed))),
            "PYTHONUNBUFFERED": "1",
        }
        user = environment.get("DJANGO_SUPERUSER_USERNAME", "operator")
        password = environment.get("DJANGO_SUPERUSER_PASSWORD") or secrets.token_urlsafe(12)
        account = {"DJANGO_SUPERUSER_USERNAME": user, "DJANGO_SUPERUSER_PASSWORD": password}
        command = [sys.executable, "-m", "ghostnet.demo.prepare"]
        subprocess.run(command, cwd=PROJECT, env={**environment, **account}, check=True)
        self._print_line(f"operators: http://127.0.0.1:{self._port}/admin/ as {user}, password {password}")
        return environment

    def _await(self, condition: Callable[[], bool], stop: threading.Event) -> None:
        """Wait for a condition, or until `stop` is set. Raises PartStopped if a part ends meanwhile."""
        while not condition() and not stop.wait(0.1):
            self._parts.check()

    def _serves_the_page(self) -> bool:
        """Whether the web server answers; the first page takes it longer than later ones."""
        try:
            return _request(self._port, "GET", "/") == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def _has_indexed(database_url: str) -> bool:
    """Whether everything before the live part is indexed."""
    with psycopg.connect(database_url) as connection:
        try:
            return read_checkpoint(connection).block_number >= FIRST_HEAD
        except NothingIndexed:
            return False


def _request(port: int, method: str, path: str, body: bytes | None = None) -> int:
    """The status that a server on this machine answers with. Raises OSError or HTTPException."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body)
        return connection.getresponse().status
