"""Mirrors the game's contracts into a database, and publishes what happens."""

VERSION = "0.1.0"
