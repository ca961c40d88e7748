"""PgBouncer between a client and the tests' server, as a process of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from tests.processes import await_true

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


@contextmanager
def pooler(database: str, mode: str) -> Iterator[str]:
    """The URL of a database of the tests' server behind PgBouncer in a pool mode (`session`, `transaction`)."""
    with connections["default"].cursor():
        info = connections["default"].connection.info
    folder = Path(tempfile.mkdtemp(prefix="ghostnet-pooler-"))
    password = f" password={info.password}" if info.password else ""
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{database} = host={info.host} port={info.port} user={info.user}{password}\n"
        f"[pgbouncer]\npool_mode = {mode}\nauth_type = any\nlisten_addr =\nunix_socket_dir = {folder}\n"
    )
    # It does not run as root; the embedded server's socket is its account's own.
    owner = Path(info.host).stat() if info.host.startswith("/") else folder.stat()
    account = pwd.getpwuid(owner.st_uid or pwd.getpwnam("nobody").pw_uid)
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    if identity:
        shutil.chown(folder, account.pw_uid)
    command = [str(PGBOUNCER), "-q", folder / "pgbouncer.ini"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **identity)  # type: ignore[call-overload]
    url = f"postgresql:///{database}?host={folder}&port=6432&user={info.user}"
    try:
        await_true(lambda: _answers(url), "pgbouncer does not answer")
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
