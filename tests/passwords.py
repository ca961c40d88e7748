"""How passwords are hashed in this process and in its forks."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


def hash_quickly() -> None:
    """Let a hash take an instant: Django has each take half a second of computing, against who guesses passwords."""
    PBKDF2PasswordHasher.iterations = 1_000
