"""What the documents name exists: files, folders, functions, links."""

from pathlib import Path

import pytest

from tests.docs.references import DOCUMENTS, decisions_in, definitions, links_in, name_of, names_in, paths_in
from tests.paths import PROJECT

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


@each_document
def test_every_path_in_a_document_exists(document: Path) -> None:
    assert [path for path in paths_in(document) if not any(PROJECT.glob(path))] == []


@each_document
def test_every_function_class_and_test_in_a_document_exists(document: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in names_in(document)
        if not (PROJECT / path).is_file() or name not in definitions(path)
    ]
    assert missing == []


@each_document
def test_a_decision_is_cited_by_its_number(document: Path) -> None:
    assert [cited for cited, number in decisions_in(document) if cited != number] == []


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [str(target) for target in links_in(document) if not target.exists()] == []
