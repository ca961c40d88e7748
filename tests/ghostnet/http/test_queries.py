"""Which requests are equivalent."""

import pytest

from ghostnet.http.queries import normal_query, without_block

ADDRESS = "0x08A14F70b4bc7F46e172ad6795516405Eb88F1eb"


@pytest.mark.parametrize(
    ("path", "query", "same"),
    [
        (f"/positions/{ADDRESS}", "", (f"/positions/{ADDRESS.lower()}", "")),
        ("/positions", "status=alive&level=4", ("/positions", "level=4&status=alive")),
        ("/positions", "level=%34&&status=alive", ("/positions", "level=4&status=alive")),
        ("/events", f"address={ADDRESS.replace('x', 'X')}", ("/events", f"address={ADDRESS.lower()}")),
        ("/events", "name", ("/events", "name=")),
        ("/events", "limit=2&limit=1", ("/events", "limit=2&limit=1")),
    ],
)
def test_what_means_the_same_is_written_alike(path: str, query: str, same: tuple[str, str]) -> None:
    scope, block = normal_query({"path": path, "query_string": query.encode()})
    assert (scope["path"], scope["query_string"].decode()) == same
    assert block is None
    assert normal_query(scope)[0] == scope


@pytest.mark.parametrize(
    ("query", "block"),
    [("min_block=5&limit=1", 5), ("min_block=05", None), ("min_block=%D9%A1", None), ("min_block=1&min_block=2", None)],
)
def test_a_block_to_wait_for_is_found_if_it_can_be_one(query: str, block: int | None) -> None:
    scope, found = normal_query({"path": "/", "query_string": query.encode()})
    assert found == block
    assert b"min_block" in scope["query_string"]
    assert b"min_block" not in without_block(scope)["query_string"]
