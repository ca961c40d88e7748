"""The project's settings on a throw-away server, unless DATABASE_URL names one."""

from ghostnet.settings import *  # noqa: F403
from ghostnet.settings import DATABASES, GHOSTNET

if GHOSTNET.database_url is None:
    DATABASES["default"]["EMBEDDED_IN"] = GHOSTNET.data_dir / "test"
    DATABASES["default"]["EMBEDDED_DURABLE"] = False
