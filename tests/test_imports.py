"""Tests share code by modules of their own, never by importing from each other."""

import ast
from pathlib import Path

from tests.paths import PROJECT


def test_nothing_is_imported_from_a_test_module_or_conftest() -> None:
    wrong = [
        f"{module.relative_to(PROJECT)} imports {name}"
        for module in sorted((PROJECT / "tests").rglob("*.py"))
        for name in imported(module)
        if any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]
    assert wrong == []


def imported(module: Path) -> list[str]:
    """The dotted names of the modules that a module imports, and of what it imports from them."""
    names = []
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom():
                names += [f"{node.module or ''}.{alias.name}" for alias in node.names]
    return names
