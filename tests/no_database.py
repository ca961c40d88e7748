"""The project's settings without a database: for checks that need none and should start no server."""

from ghostnet.settings import *  # noqa: F403
from ghostnet.settings import DATABASES

DATABASES.clear()
