"""Reading answers: lists to their end, and problems."""

from typing import Any

from tests.web import WebClient


def items_of(client: WebClient, path: str, limit: int) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        joint = "&" if "?" in path else "?"
        page = client.get(f"/api/v1{path}{joint}limit={limit}{cursor}")
        assert page.status_code == 200, page.content
        answer = page.json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        assert len(answer["items"]) == limit
        cursor = f"&cursor={answer['next_cursor']}"


def problem_of(answer: Any) -> dict[str, Any]:
    """The problem document of an error."""
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    return problem
