"""The documents and their references: paths of the repository, and names defined in its Python files."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.paths import PROJECT

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
_DECISION = re.compile(r"\[decision\s+(\d+)\]\([\w/]*?(\d{4})-")
_PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)*/?")
_FILE = re.compile(r".*/.*\.(?:css|gz|html|js|json|md|po|py|svg|toml|ya?ml)|.*\.(?:md|py|toml|ya?ml)|(?:.*/)?test_\w+")


def name_of(document: Path) -> str:
    """A document's path inside the repository."""
    return document.relative_to(PROJECT).as_posix()


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCED.sub("", document.read_text())


def paths_in(document: Path) -> Iterator[str]:
    """What a document quotes in backticks and looks like a path of the repository, without `::name` behind it.

    That is a word whose first part stands at the top of the repository, which ends as a source file does, or which is
    the name of a module of tests.
    """
    top = {entry.name for entry in PROJECT.iterdir()}
    for quoted in _CODE.findall(prose(document)):
        for word in quoted.split():
            path = word.partition("::")[0]
            if _PATH.fullmatch(path) and (_FILE.fullmatch(path) or ("/" in path and path.split("/")[0] in top)):
                yield path


def names_in(document: Path) -> Iterator[tuple[str, str]]:
    """Every `path::name` that a document quotes."""
    for quoted in _CODE.findall(prose(document)):
        path, separator, name = quoted.partition("::")
        if separator and path.endswith(".py"):
            yield path, name


def links_in(document: Path) -> Iterator[Path]:
    """The files that a document's relative links lead to."""
    for target in _LINK.findall(prose(document)):
        yield document.parent / target


def decisions_in(document: Path) -> Iterator[tuple[int, int]]:
    """The number by which a document cites each decision, and the number in the name of the file that it links to."""
    for cited, number in _DECISION.findall(prose(document)):
        yield int(cited), int(number)


@cache
def definitions(path: str) -> frozenset[str]:
    """The names that a Python file defines: functions, classes, constants, and `Class.method`."""
    return frozenset(_defined(ast.parse((PROJECT / path).read_text()).body, ""))


def _defined(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name, body=inner):
                yield prefix + name
                yield from _defined(inner, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
