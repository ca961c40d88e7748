"""The examples of docs/api.md, run as they are printed there."""

import json
import os
import re
import subprocess
from typing import Any

import pytest

from tests.paths import PROJECT
from tests.web import WebClient

EXAMPLES = re.findall(r"^\$ (curl .+)\n((?:.+\n)+?)```", (PROJECT / "docs" / "api.md").read_text(), re.MULTILINE)
ANYTHING = "…"


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_of_the_documentation(client: WebClient, command: str, expected: str) -> None:
    printed = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "API": f"{client.url}/api/v1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if expected.startswith("HTTP"):
        for line in expected.splitlines():
            assert line.removesuffix(ANYTHING) in printed
        return
    document: dict[str, Any] = json.loads(printed)
    partial = expected.rstrip().endswith(f", {ANYTHING}}}")
    shown = json.loads(expected.replace(f", {ANYTHING}}}", "}").replace(ANYTHING, f'"{ANYTHING}"'))
    assert set(shown) == set(document) or (partial and set(shown) < set(document))
    assert {name: document[name] for name, value in shown.items() if value != ANYTHING} == {
        name: value for name, value in shown.items() if value != ANYTHING
    }


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6
