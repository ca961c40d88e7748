"""Mirrors the game's contracts into a database, and tells of it."""

VERSION = "0.1.0"
