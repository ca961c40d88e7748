"""What nodes spell in their own way is read as all others spell it."""

import json
import re
from typing import Any

import msgspec
import pytest

from indexer.chain.spelling import parsed, with_hex_quantities, with_lower_case
from indexer.domain.events import DeathsProcessed, DeathsSubmitted, ScanExecuted
from indexer.domain.units import DATA
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.chains import TRACE_SCAN, ChainBuilder, submit_deaths, user
from tests.indexer.chain.altered import AlteredServer, Change
from tests.indexer.chain.ways import WAYS, fetch


def upper_case(method: str, result: bytes) -> bytes:
    return re.sub(rb'"0x[0-9a-f]{4,}"', lambda found: b'"0x' + found[0][3:].upper(), result)


def all_upper_case(method: str, result: bytes) -> bytes:
    return re.sub(rb'"0x[0-9a-f]+"', lambda found: found[0].upper(), result)


def integers(method: str, result: bytes) -> bytes:
    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if isinstance(value, dict):
            return {
                key: int(one, 16) if key in QUANTITIES and isinstance(one, str) else changed(one)
                for key, one in value.items()
            }
        return value

    return json.dumps(changed(json.loads(result))).encode()


QUANTITIES = {
    "number",
    "timestamp",
    "blockNumber",
    "blockTimestamp",
    "transactionIndex",
    "logIndex",
    "logsBloom",
    "status",
}


def without_empty_lists(replacement: bytes) -> Change:
    return lambda method, result: result.replace(b',"transactions":[]', replacement)


def chain() -> list[RecordedBlock]:
    """Somebody dies, others claim; one block is empty."""
    building = ChainBuilder()
    building.deploy()
    building.jack_in(user(0xABC), 100 * DATA, 1)
    building.events(("TraceScan", ScanExecuted(1, 1, 0xBEEF, building.now)))
    building.block()
    building.block(
        building.transaction(
            ("GhostCore", DeathsProcessed(1, 1, 100 * DATA, 0, 0)),
            ("TraceScan", DeathsSubmitted(1, 1, 1, 100 * DATA, user(8))),
            to=TRACE_SCAN,
            calldata=submit_deaths(1, [user(0xABC)]),
        ),
        building.transaction(sender=user(0xDEF), calldata="0x372500ab"),
    )
    return building.blocks


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [upper_case, all_upper_case, integers, without_empty_lists(b',"transactions":null'), without_empty_lists(b"")],
    ids=["upper case", "0X", "integers", "null for no transactions", "no list of no transactions"],
)
def test_however_a_node_spells_it_the_same_is_read(way: str, change: Change) -> None:
    blocks = chain()
    with ReplayServer(blocks) as plain, AlteredServer(blocks, change) as altered:
        expected = fetch([plain.url], 0, blocks[-1].number, way)
        assert fetch([altered.url], 0, blocks[-1].number, way) == expected
    assert expected.log_count > 4
    assert [len(block.transactions) for block in expected.blocks if block.transactions] == [1]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b'{"logsBloom":"0x0","baseFeePerGas" :"0x1"}', b'{"logsBloom":"0x0","baseFeePerGas" :"0x1"}'),
        (b'{"address":"0xAbF","extraData":"0x"}', b'{"address":"0xabf","extraData":"0x"}'),
        (b'["0XF"]', b'["0xf"]'),
        (
            b'{"error":{"message":"Block 0xAB is Bad","data":"0xAB"}}',
            b'{"error":{"message":"Block 0xAB is Bad","data":"0xab"}}',
        ),
    ],
)
def test_only_hex_is_put_into_lower_case(text: bytes, read: bytes) -> None:
    assert with_lower_case(text) == read


def test_a_text_that_is_spelled_well_is_not_copied() -> None:
    text = b'{"logsBloom":"0x0f","baseFeePerGas":"0xab"}'
    assert with_lower_case(text) is text


def test_integers_are_hex_where_a_quantity_is_read_only() -> None:
    text = b'{"number": 10,"size":10,"logIndex":0,"text":"\\"number\\":10","result":255}'
    assert with_hex_quantities(text) == (
        b'{"number":"0xa","size":10,"logIndex":"0x0","text":"\\"number\\":10","result":"0xff"}'
    )
    with pytest.raises(msgspec.ValidationError):
        parsed(b"12", msgspec.json.Decoder(str))
