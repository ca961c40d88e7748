"""Hash passwords without taking the processor from answers."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher

LOWEST_PRIORITY: Final = 19


class PatientHasher(PBKDF2PasswordHasher):
    """Django's hasher, on a thread that Linux runs when no other needs its core: who guesses passwords delays logins
    only."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash as Django stores it. The thread ends with it: no priority can be raised again."""
        with ThreadPoolExecutor(1, "passwords", initializer=_be_patient) as thread:
            return thread.submit(super().encode, password, salt, iterations).result()


def _be_patient() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
