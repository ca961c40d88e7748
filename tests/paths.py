"""The folders of the fixtures."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FIXTURES = PROJECT / "fixtures"
OPENAPI = PROJECT / "docs" / "openapi.json"
ASYNCAPI = PROJECT / "docs" / "asyncapi.json"
SEASON = PROJECT / "fixtures" / "season.jsonl.gz"
SEASON_DEPLOYMENT = PROJECT / "fixtures" / "deployments" / "season.json"
