"""The project's settings on a throw-away server, unless DATABASE_URL names one."""

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

from ghostnet.settings import *  # noqa: F403
from ghostnet.settings import DATABASES, GHOSTNET

SHARED_MEMORY: Final = Path("/dev/shm")
ENOUGH_BYTES: Final = 4 << 30


def _folder() -> Path:
    """The folder of the server's data: in memory if there is enough, since a disk is slow to make the hundreds of files
    of each test's database; else in the data folder."""
    if not SHARED_MEMORY.is_dir() or shutil.disk_usage(SHARED_MEMORY).total < ENOUGH_BYTES:
        return GHOSTNET.data_dir / "test"
    checkout = sha256(str(GHOSTNET.data_dir.resolve()).encode()).hexdigest()[:12]
    return SHARED_MEMORY / f"ghostnet-tests-{os.getuid()}-{checkout}"


if GHOSTNET.database_url is None:
    DATABASES["default"]["EMBEDDED_IN"] = _folder()
    DATABASES["default"]["EMBEDDED_DURABLE"] = False
