"""Nodes' different spellings of the same values are read as the same values."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from indexer.chain import consistency
from indexer.chain.errors import Inconsistent, WrongNumbers
from indexer.chain.json_normalization import parsed, with_hex_quantities, with_lower_case
from indexer.decode.decoder import LogDecoder
from indexer.domain.events import DeathsProcessed, DeathsSubmitted, ScanExecuted
from indexer.domain.units import DATA
from indexer.maintenance.comparing import fetched_items
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES, TRACE_SCAN, ChainBuilder, submit_deaths, user
from tests.indexer.chain.altered import AlteredServer, Change
from tests.indexer.chain.ways import BY_RANGE, WAYS, fetch


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


def of_quantities(spelled: Callable[[str], Any]) -> Change:
    """Quantities as a node may write them, and what stands beside them."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            key: spelled(one) if key in QUANTITIES - {"logsBloom"} and isinstance(one, str) else changed(one)
            for key, one in value.items()
        }

    return lambda method, result: json.dumps(changed(json.loads(result))).encode()


def with_bloom(bloom: Any) -> Change:
    return lambda method, result: (
        json.dumps({**json.loads(result), "logsBloom": bloom}).encode() if method == "eth_getBlockByNumber" else result
    )


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
    [
        upper_case,
        all_upper_case,
        integers,
        without_empty_lists(b',"transactions":null'),
        without_empty_lists(b""),
        of_quantities(lambda text: float(int(text, 16))),
    ],
    ids=[
        "upper case",
        "0X",
        "integers",
        "null for no transactions",
        "no list of no transactions",
        "floats",
    ],
)
def test_however_a_node_spells_it_the_same_is_read(way: str, change: Change) -> None:
    blocks = chain()
    with ReplayServer(blocks) as plain, AlteredServer(blocks, change) as altered:
        expected = fetch([plain.url], 0, blocks[-1].number, way)
        assert fetch([altered.url], 0, blocks[-1].number, way) == expected
    assert expected.log_count > 4
    assert [len(block.transactions) for block in expected.blocks if block.transactions] == [1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [
        of_quantities(lambda text: "0x" if text == "0x0" else text),
        of_quantities(lambda text: "" if text == "0x0" else text),
        of_quantities(lambda text: "0x00" + text[2:]),
        lambda method, result: result.replace(b'"removed":false', b'"removed":null'),
    ],
    ids=["0x for zero", "nothing for zero", "leading zeros", "null for not removed"],
)
def test_other_texts_of_the_same_numbers_are_read_as_the_same_logs(way: str, change: Change) -> None:
    blocks = chain()
    with ReplayServer(blocks) as plain, AlteredServer(blocks, change) as altered:
        expected = fetch([plain.url], 0, blocks[-1].number, way)
        found = fetch([altered.url], 0, blocks[-1].number, way)
    decoder = LogDecoder(ADDRESSES)
    assert found.headers == expected.headers
    assert fetched_items(decoder, found.blocks) == fetched_items(decoder, expected.blocks)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bloom", [-5, 1.5e300, "-0x5", "none", "0x0", ""])
def test_what_is_no_bloom_says_nothing(way: str, bloom: Any) -> None:
    blocks = chain()
    with AlteredServer(blocks, with_bloom(bloom)) as altered:
        assert fetch([altered.url], 0, blocks[-1].number, way).log_count > 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["logIndex", "transactionIndex", "timestamp", "blockTimestamp", "number"])
def test_numbers_that_may_be_decimal_are_not_taken_for_hex(
    way: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    blocks = chain()

    def decimal(method: str, result: bytes) -> bytes:
        return re.sub(
            b'"%b":"(0x[0-9a-f]+)"' % name.encode(),
            lambda found: b'"%b":"2%d"' % (name.encode(), int(found[1], 16)),
            result,
        )

    with AlteredServer(blocks, decimal) as altered:
        if name == "blockTimestamp" and way != BY_RANGE:
            assert fetch([altered.url], 0, blocks[-1].number, way).log_count > 4, "nobody reads it"
        else:
            with pytest.raises(WrongNumbers, match="does not begin with 0x"):
                fetch([altered.url], 0, blocks[-1].number, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("digits", [b"zz", b"_0", b"-0", b" 0", b"  ", "\u0660".encode(), b"0\\n"])
def test_data_that_are_no_hex_are_refused_though_python_would_read_numbers_of_them(
    digits: bytes, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)

    def altered(method: str, result: bytes) -> bytes:
        return result.replace(b'"data":"0x00', b'"data":"0x' + digits) if method == "eth_getLogs" else result

    blocks = chain()
    with AlteredServer(blocks, altered) as server, pytest.raises(Inconsistent, match="no bytes in hex"):
        fetch([server.url], 0, blocks[-1].number, way)


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
