"""`/positions/at-risk` lists the players whom the next cullings then removed."""

from typing import Any

from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from tests.api.answers import problem_of
from tests.indexing import index
from tests.web import WebClient, web


def test_the_first_of_the_list_is_the_next_victim(
    database: str, connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """Asked right before each block whose first change of a position is a culling."""
    foretold = 0
    with ReplayServer(season) as node, web(database) as client:
        for culling in truth.document["culls"]:
            index(node, truth.contracts, to_block=culling["block"] - 1)
            found = client.get(f"/api/v1/positions/at-risk?level={culling['level']}&min_block={culling['block'] - 1}")
            items = found.json()["items"]
            if _changes_before(season[culling["block"]], culling, truth):
                continue
            foretold += 1
            assert items[0]["address"].lower() == culling["victim"].lower()
            assert found.json()["free_places"] == 0
            assert [item["rank"] for item in items] == list(range(1, len(items) + 1))
            assert len({item["address"] for item in items}) == len(items) <= 50
            if foretold == 8:
                break
    assert foretold == 8


def test_the_level_must_be_named_and_the_list_may_be_short(client: WebClient) -> None:
    answer = client.get("/api/v1/positions/at-risk")
    assert answer.status_code == 422
    assert [error["parameter"] for error in problem_of(answer)["errors"]] == ["level"]
    whole = client.get("/api/v1/positions/at-risk?level=VAULT&threshold=1000").json()
    living = client.get("/api/v1/positions?level=1&status=alive&limit=1000").json()["items"]
    assert {item["address"] for item in living} <= {item["address"] for item in whole["items"]}
    assert client.get("/api/v1/positions/at-risk?level=1&threshold=2").json()["items"] == whole["items"][:2]


def _changes_before(block: RecordedBlock, culling: dict[str, Any], truth: Truth) -> bool:
    """Whether GhostCore emitted another event in the block before this culling."""
    logs = [log for tx in block.txs for log in tx.logs if log.address.lower() == truth.contracts["GhostCore"]]
    return culling["victim"][2:].lower() not in logs[0].topics[1]
