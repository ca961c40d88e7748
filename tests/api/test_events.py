"""`/events` against the recording itself."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from tests.web import WebClient

PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"


def everything(client: WebClient, query: str = "") -> list[dict[str, Any]]:
    """All events of a search: pages may be short, only a null cursor is the end."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = client.get(f"/api/v1/events?limit=100{query}{cursor}").json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        cursor = f"&cursor={answer['next_cursor']}"


def recorded(season: list[RecordedBlock], truth: Truth, *, naming: str = "", blocks: range = range(1008)) -> set[str]:
    """The places of the contracts' logs in these blocks, those only that name an account as an argument."""
    ours, word = set(truth.contracts.values()), naming[2:].rjust(64, "0")
    places = set()
    for block in season[blocks.start : blocks.stop]:
        logs = [log for transaction in block.txs for log in transaction.logs]
        for index, log in enumerate(logs):
            if log.address.lower() in ours and (not naming or word in "".join(log.topics[1:]) + log.data):
                places.add(str((block.number << 23) | index))
    return places


def test_the_whole_list_is_the_recording_newest_first(
    client: WebClient, season: list[RecordedBlock], truth: Truth
) -> None:
    events = everything(client)
    places = [int(event["id"]) for event in events]
    assert places == sorted(places, reverse=True)
    assert {event["id"] for event in events} == recorded(season, truth)
    for event in events:
        assert (event["block"], event["log_index"]) == divmod(int(event["id"]), 1 << 23)


def test_of_an_account(client: WebClient, season: list[RecordedBlock], truth: Truth) -> None:
    events = everything(client, f"&address={PLAYER.upper().replace('X', 'x')}")
    assert {event["id"] for event in events} == recorded(season, truth, naming=PLAYER)
    assert all(to_checksum_address(PLAYER) in event["args"].values() for event in events)


def test_of_blocks_both_ends_included(client: WebClient, season: list[RecordedBlock], truth: Truth) -> None:
    events = everything(client, "&from_block=300&to_block=314")
    assert {event["id"] for event in events} == recorded(season, truth, blocks=range(300, 315))
    assert everything(client, "&from_block=315&to_block=314") == []


@pytest.mark.parametrize("name", ["JackedIn", "SystemResetTriggered", "PositionCulled"])
def test_of_a_name_and_a_contract(client: WebClient, truth: Truth, name: str) -> None:
    events = everything(client, f"&name={name}&contract=GhostCore")
    assert len(events) == truth.document["eventCounts"][f"GhostCore.{name}"]
    assert {(event["contract"], event["name"]) for event in events} == {("GhostCore", name)}
    assert everything(client, f"&name={name}&contract=DataToken") == []


def test_a_search_that_finds_little_stops_and_goes_on(
    client: WebClient, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/api/v1/events?name=Initialized&limit=100").json()
    assert len(answer["items"]) == len(everything(client, "&name=Initialized"))


def test_of_a_block_in_order(client: WebClient, season: list[RecordedBlock], truth: Truth) -> None:
    block = client.get("/api/v1/blocks/314").json()
    assert block["hash"] == season[314].hash
    assert [event["id"] for event in block["events"]] == sorted(
        recorded(season, truth, blocks=range(314, 315)), key=int
    )
    assert client.get("/api/v1/blocks/1008").status_code == 404


def test_of_a_transaction_in_order(client: WebClient, season: list[RecordedBlock]) -> None:
    block = client.get("/api/v1/blocks/314").json()
    for one in season[314].txs:
        answer = client.get(f"/api/v1/transactions/0X{one.hash[2:].upper()}")
        events = [event for event in block["events"] if event["tx"] == one.hash]
        if not events:
            assert answer.status_code == 404
            continue
        served = answer.json()
        assert (served["tx"], served["block"], served["block_hash"], served["time"]) == (
            one.hash, 314, block["hash"], block["time"],
        )  # fmt: skip
        assert served["events"] == events
        assert served["sender"] in (None, to_checksum_address(one.sender))
    assert "did anything" in client.get(f"/api/v1/transactions/0x{'0' * 64}").json()["detail"]
    assert client.get("/api/v1/transactions/0x12").status_code == 422
