#!/usr/bin/env python
"""The project's commands: `manage.py help`."""

import gc
import os
import sys

from django.core.management import execute_from_command_line

from ghostnet.garbage_collection import START_UP_THRESHOLDS
from ghostnet.observability.logs import end_process
from indexer.base.errors import GhostnetError
from indexer.store.database import database_failures

if __name__ == "__main__":
    gc.set_threshold(*START_UP_THRESHOLDS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    try:
        with database_failures():
            execute_from_command_line(sys.argv)
    except GhostnetError as error:
        end_process(error)
