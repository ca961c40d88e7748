"""The frame: settings, database, entry points."""
