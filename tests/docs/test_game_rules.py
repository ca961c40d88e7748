"""docs/game-rules.md is the one list of rules: whatever the code cites or implements stands there."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.rules.registry import HANDLERS, archive_only
from tests.docs.references import names_in, prose
from tests.paths import PROJECT

PAGE = PROJECT / "docs" / "game-rules.md"
CODE = ("indexer", "api", "realtime", "ghostnet", "benchmarks", "tests", "templates", "docs", "README.md")

_HEADING = re.compile(r"^### (\d+)\. ", re.MULTILINE)
_CITED = re.compile(r"\brules? \d+(?:(?:, | to | and )\d+)*", re.IGNORECASE)


def rules() -> dict[int, str]:
    """The text of each rule, up to the next heading."""
    text = prose(PAGE)
    starts = [match.start() for match in re.finditer(r"^##", text, re.MULTILINE)] + [len(text)]
    parts = [text[start:end] for start, end in pairwise(starts)]
    return {int(found[1]): part for part in parts if (found := _HEADING.match(part))}


def sources() -> list[Path]:
    """Every file that may cite a rule."""
    return [
        path
        for name in CODE
        for path in ([PROJECT / name] if (PROJECT / name).is_file() else (PROJECT / name).rglob("*"))
        if path.suffix in {".py", ".html", ".md"}
    ]


def test_the_rules_are_numbered_without_a_gap() -> None:
    assert sorted(rules()) == list(range(1, 21))


def test_every_rule_that_is_cited_stands_on_the_page() -> None:
    known = {str(number) for number in rules()}
    cited = {
        (path.relative_to(PROJECT).as_posix(), number)
        for path in sources()
        for found in _CITED.finditer(path.read_text())
        for number in re.findall(r"\d+", found[0])
    }
    assert len(cited) > 30
    assert [citation for citation in sorted(cited) if citation[1] not in known] == []


@pytest.mark.parametrize("number", range(1, 21))
def test_every_rule_names_its_code_and_all_its_tests(number: int) -> None:
    text = rules()[number]
    _, code, tests = re.split(r"^- (?:Code|Tests): ", text, flags=re.MULTILINE)
    assert "`indexer/" in code
    named = set(re.findall(r"::(test_\w+)", tests))
    mirroring = {
        name
        for path in (PROJECT / "tests" / "indexer" / "rules").glob("test_*.py")
        for name in re.findall(rf"^def (test_rule_{number}_\w+)", path.read_text(), re.MULTILINE)
    }
    assert mirroring
    assert mirroring <= named


def test_every_handler_stands_on_the_page() -> None:
    named = {f"{path}::{name}" for path, name in names_in(PAGE)}
    handlers = {
        f"{handler.__module__.replace('.', '/')}.py::{handler.__name__}"
        for of_contract in HANDLERS.values()
        for handler in of_contract.values()
        if handler is not archive_only
    }
    assert handlers - named == set()
