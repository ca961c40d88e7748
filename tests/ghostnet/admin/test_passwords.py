"""Checking guessed passwords leaves processor time to others."""

import hashlib
import os
import sys
import threading

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from ghostnet.admin.passwords import LOWEST_PRIORITY, PatientHasher


def priority() -> int:
    """The niceness of the thread that calls this."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
def test_a_password_is_hashed_as_by_django_on_a_thread_that_lets_others_go_first() -> None:
    seen, own = list[int](), priority()

    class Hasher(PatientHasher):
        @staticmethod
        def digest() -> "hashlib._Hash":
            seen.append(priority())
            return hashlib.sha256()

    assert Hasher().encode("secret", "salt", 2) == PBKDF2PasswordHasher().encode("secret", "salt", 2)
    assert Hasher().verify("secret", PBKDF2PasswordHasher().encode("secret", "salt", 2))
    assert set(seen) == {LOWEST_PRIORITY}
    assert priority() == own
