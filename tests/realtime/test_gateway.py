"""The protocol of `/ws`, message by message, over a real daphne."""

import asyncio
import socket as sockets
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from psycopg import Connection
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from indexer.store.database import connect
from indexer.stream.feed import CHANNELS
from tests.databases import default_database
from tests.filling import fill
from tests.processes import await_true
from tests.realtime.socket import Browser, ask, dial, masked, non_reading_client, receive, run
from tests.rows import fetch_one
from tests.stream.expected import expected_feed
from tests.web import WebClient, web

PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
HEAD = (1008 << 23) - 1


@pytest.fixture
def season_tables(indexed_season: str, django_db_blocker: Any) -> Iterator[Connection[Any]]:
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        yield connection


def test_a_connection_begins_with_where_the_indexer_is(client: WebClient) -> None:
    async def work() -> None:
        async with dial(client) as socket:
            assert await receive(socket) == {
                "type": "CONNECTION_STATE",
                "status": "connected",
                "indexed_block": 1007,
                "head": str(HEAD),
            }
            await ask(socket, type="PING")
            assert await receive(socket) == {"type": "PONG"}

    run(work())


def test_subscriptions_come_and_go(client: WebClient) -> None:
    async def work() -> None:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=["scans", "feed", "scans"])
            assert await receive(socket) == {
                "type": "SUBSCRIBED",
                "channels": ["feed", "scans"],
                "users": [],
                "head": str(HEAD),
            }
            await ask(socket, type="SUBSCRIBE_USER", address=PLAYER.upper().replace("X", "x"))
            checksummed = "0x08A14F70b4bc7F46e172ad6795516405Eb88F1eb"
            assert (await receive(socket))["users"] == [checksummed]
            await ask(socket, type="UNSUBSCRIBE", channels=["scans", "deaths"])
            answer = await receive(socket)
            assert (answer["channels"], answer["users"]) == (["feed"], [checksummed])
            await ask(socket, type="UNSUBSCRIBE_USER", address=PLAYER)
            answer = await receive(socket)
            assert (answer["channels"], answer["users"]) == (["feed"], [])

    run(work())


@pytest.mark.parametrize("channels", [[channel] for channel in CHANNELS] + [["deaths", "feed"], ["tokens", "fees"]])
def test_since_the_beginning_a_channel_is_what_the_tables_hold(
    client: WebClient, season_tables: Connection[Any], channels: list[str]
) -> None:
    expected = expected_feed(season_tables, channels)

    async def work() -> Browser:
        browser = Browser(channels)
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=channels, since="0")
            await ask(socket, type="PING")
            while (frame := await receive(socket))["type"] != "PONG":
                browser.take(frame)
        return browser

    browser = run(work())
    assert browser.faults == []
    assert {place: event["event"]["type"] for place, event in browser.events.items()} == expected
    assert len({event["key"] for event in browser.events.values()}) == len(expected)
    for place, event in browser.events.items():
        assert event["event"]["block"] == place >> 23
        assert event["key"].startswith(event["event"]["tx"] + ":")
        assert event["status"] == "confirmed"


def test_each_death_is_sent_with_the_player_who_died(client: WebClient, truth: Truth) -> None:
    async def work() -> list[tuple[str, int, str, int]]:
        deaths = []
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=["deaths"], since="0")
            await ask(socket, type="PING")
            while (frame := await receive(socket))["type"] != "PONG":
                if frame["type"] == "FEED_EVENT" and frame["event"]["type"] == "TRACED":
                    data = frame["event"]["data"]
                    deaths.append((data["user"].lower(), data["level"], data["amount"], data["ghost_streak"]))
        return deaths

    expected = [(death["user"], death["level"], death["amount"], death["streak"]) for death in truth.document["deaths"]]
    assert sorted(run(work())) == sorted(expected)


def test_a_second_subscription_repeats_nothing_of_the_first(client: WebClient, season_tables: Connection[Any]) -> None:
    expected = expected_feed(season_tables, ["scans", "fees"])

    async def work() -> Browser:
        browser = Browser(["scans", "fees"])
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=["scans"], since="0")
            await ask(socket, type="PING")
            while (frame := await receive(socket))["type"] != "PONG":
                browser.take(frame)
            first, browser.events = browser.events, {}
            await ask(socket, type="SUBSCRIBE", channels=["fees"], since="0")
            await ask(socket, type="PING")
            while (frame := await receive(socket))["type"] != "PONG":
                browser.take(frame)
            assert not set(first) & set(browser.events)
            browser.events |= first
        return browser

    browser = run(work())
    assert browser.faults == []
    assert set(browser.events) == set(expected)


@pytest.mark.parametrize("wanted", [["scans"], ["feed"], ["fees", "scans"]])
def test_what_came_before_a_live_channel_is_sent_to_who_asks_for_it_later_and_once(
    client: WebClient, season_tables: Connection[Any], wanted: list[str]
) -> None:
    """A channel that is live already has no more than came since then; so has one that carries the same events."""

    async def replay(socket: ClientConnection, **since: Any) -> list[int]:
        await ask(socket, type="SUBSCRIBE", channels=wanted, **since)
        await ask(socket, type="PING")
        places = []
        while (frame := await receive(socket))["type"] != "PONG":
            places += [int(frame["id"])] if frame["type"] == "FEED_EVENT" else []
        return places

    async def work() -> None:
        async with dial(client) as socket:
            await ask(socket, type="SUBSCRIBE", channels=["scans"])
            expected = sorted(expected_feed(season_tables, wanted))
            assert await replay(socket, last=9) == expected[-9:]
            assert await replay(socket, since=str(expected[-19])) == expected[-18:-9]
            assert await replay(socket, since=str(expected[-5])) == []
            assert await replay(socket, since=str(expected[-41])) == expected[-40:-18]
            assert await replay(socket, since=str(expected[-41])) == []
            await ask(socket, type="UNSUBSCRIBE", channels=wanted)
            assert await replay(socket, since=str(expected[-4])) == expected[-3:], "nothing is known of what was left"

    run(work())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ("[" * 10_000, "bad_json"),
        ("[]", "bad_message"),
        ("null", "bad_message"),
        ('{"type":"SHOUT"}', "unknown_type"),
        ('{"type":["PING"]}', "unknown_type"),
        ("{}", "unknown_type"),
        ('{"type":"SUBSCRIBE"}', "bad_channels"),
        ('{"type":"SUBSCRIBE","channels":[]}', "bad_channels"),
        ('{"type":"SUBSCRIBE","channels":"feed"}', "bad_channels"),
        ('{"type":"SUBSCRIBE","channels":["feet"]}', "unknown_channel"),
        ('{"type":"SUBSCRIBE","channels":[{}]}', "unknown_channel"),
        ('{"type":"SUBSCRIBE","chanels":["feed"]}', "unknown_field"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"since":5}', "bad_cursor"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"since":"-1"}', "bad_cursor"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"since":"9223372036854775808"}', "bad_cursor"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"since":"9223372036854775807"}', "bad_cursor"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"since":"4\\n"}', "bad_cursor"),
        ('{"type":"SUBSCRIBE","channels":["feet"],"channels":[]}', "unknown_channel"),
        ('{"type":"SUBSCRIBE","channels":["`since["]}', "unknown_channel"),
        ('{"type":"UNSUBSCRIBE","channels":["feed"],"since":"0"}', "unknown_field"),
        ('{"type":"SHOUT"', "bad_json"),
        ('{"type":"SUBSCRIBE_USER","address":"0x12"}', "bad_address"),
        ('{"type":"SUBSCRIBE_USER","address":"' + PLAYER + '\\n"}', "bad_address"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"last":0}', "bad_message"),
        ('{"type":"SUBSCRIBE","channels":["feed"],"last":101}', "bad_message"),
        ('{"type":"SUBSCRIBE_USER","address":"' + PLAYER + '","snapshot":1}', "bad_message"),
        ('{"type":"SUBSCRIBE_USER","address":"' + PLAYER + '","preconfirmed":1}', "bad_message"),
        ('{"type":"SUBSCRIBE_USER","address":"' + PLAYER + '","since":"9223372036854775807"}', "bad_cursor"),
        ('{"type":"SUBSCRIBE_USER"}', "bad_address"),
        ('{"type":"UNSUBSCRIBE_USER","address":7}', "bad_address"),
        ('{"type":"PING","data":"' + "x" * 16_384 + '"}', "frame_too_long"),
        (b"\x00\x01", "binary_frame"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_and_the_connection_stays_open(client: WebClient, text: str | bytes, code: str) -> None:
    async def work() -> None:
        async with dial(client) as socket:
            await receive(socket)
            await socket.send(text)
            answer = await receive(socket)
            assert (answer["type"], answer["code"]) == ("ERROR", code)
            assert answer["message"]
            await ask(socket, type="PING")
            assert await receive(socket) == {"type": "PONG"}

    run(work())


def test_there_are_at_most_64_subscriptions(client: WebClient) -> None:
    async def work() -> None:
        async with dial(client) as socket:
            await receive(socket)
            for number in range(63):
                await ask(socket, type="SUBSCRIBE_USER", address=f"0x{number:040x}")
                assert (await receive(socket))["type"] == "SUBSCRIBED"
            await ask(socket, type="SUBSCRIBE", channels=["feed", "scans"])
            assert (await receive(socket))["code"] == "too_many_subscriptions"
            await ask(socket, type="SUBSCRIBE_USER", address=f"0x{5:040x}")
            assert (await receive(socket))["type"] == "SUBSCRIBED"

    run(work())


def test_twenty_errors_in_a_minute_are_enough(client: WebClient) -> None:
    async def work() -> int | None:
        async with dial(client) as socket:
            await receive(socket)
            for _ in range(20):
                await socket.send("nonsense")
                assert (await receive(socket))["type"] == "ERROR"
            with pytest.raises(ConnectionClosed):
                await receive(socket)
            return socket.close_code

    assert run(work()) == 4429


def test_who_does_not_answer_two_pings_is_gone(strict_client: WebClient) -> None:
    async def work(client: WebClient) -> None:
        async with dial(client) as alive, non_reading_client(client) as raw:
            await receive(alive)
            received = b""
            async with asyncio.timeout(50):
                with suppress(ConnectionResetError):
                    while chunk := await asyncio.get_running_loop().sock_recv(raw, 65_536):
                        received += chunk
            assert b"\x89" in received, "a ping"
            await ask(alive, type="PING")
            assert await receive(alive) == {"type": "PONG"}

    run(work(strict_client))


def test_a_cursor_that_is_too_old_is_an_error_with_the_oldest_one(strict_client: WebClient) -> None:
    async def work(client: WebClient) -> None:
        async with dial(client) as socket:
            await receive(socket)
            for wanted in ({"type": "SUBSCRIBE", "channels": ["feed"]}, {"type": "SUBSCRIBE_USER", "address": PLAYER}):
                await ask(socket, **wanted, since=str(900 << 23))
                answer = await receive(socket)
                assert (answer["type"], answer["code"]) == ("ERROR", "replay_too_old")
                oldest = int(answer["oldest"])
                assert oldest >> 23 == 906
            await ask(socket, type="UNSUBSCRIBE", channels=["scans"])
            state = await receive(socket)
            assert (state["channels"], state["users"]) == ([], []), "nothing was subscribed"
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=["feed"], since=str(oldest))
            assert (await receive(socket))["type"] == "SUBSCRIBED"
            assert (await receive(socket))["event"]["block"] == 907

    run(work(strict_client))


def test_the_last_events_are_those_of_blocks_that_are_replayed(
    strict_client: WebClient, season_tables: Connection[Any]
) -> None:
    """More were asked for than the last 100 blocks have."""

    async def work(client: WebClient) -> list[int]:
        places = []
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=["scans"], last=100)
            await ask(socket, type="PING")
            assert (await receive(socket))["type"] == "SUBSCRIBED"
            while (frame := await receive(socket))["type"] != "PONG":
                places.append(int(frame["id"]))
        return places

    recent = sorted(place for place in expected_feed(season_tables, ["scans"]) if place >> 23 > 906)
    assert 0 < len(recent) < 100
    assert run(work(strict_client)) == recent


def test_what_retention_has_removed_is_too_old(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """As upkeep leaves the archive: a horizon, and nothing before it."""
    fill(connection, 300)
    horizon = season[200].timestamp
    connection.execute("DELETE FROM chain_events WHERE block_time < to_timestamp(%s)", (horizon,))
    connection.execute("INSERT INTO retention_horizons VALUES ('chain_events', to_timestamp(%s))", (horizon,))

    async def work(client: WebClient) -> None:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=["tokens"], since="0")
            refusal = await receive(socket)
            assert refusal["code"] == "replay_too_old"
            await ask(socket, type="SUBSCRIBE", channels=["tokens"], since=refusal["oldest"])
            assert (await receive(socket))["type"] == "SUBSCRIBED"
            kept = min(place for place in expected_feed(connection, ["tokens"]) if place > int(refusal["oldest"]))
            assert int((await receive(socket))["id"]) == kept
            assert kept >> 23 in range(199, 210)

    with web(database) as client:
        run(work(client))


def test_a_player_s_position_comes_at_once_for_who_was_away(client: WebClient) -> None:
    expected = client.get(f"/api/v1/positions/{PLAYER}").json()

    async def work() -> Any:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE_USER", address=PLAYER, since="0")
            assert (await receive(socket))["type"] == "SUBSCRIBED"
            return await receive(socket)

    assert run(work()) == {"type": "POSITION_UPDATE", **expected}


def test_a_snapshot_is_the_position_with_its_cursor(client: WebClient) -> None:
    expected = client.get(f"/api/v1/positions/{PLAYER}").json()

    async def work() -> Any:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE_USER", address=PLAYER, snapshot=True)
            assert (await receive(socket))["head"] == str(HEAD)
            return await receive(socket)

    assert run(work()) == {"type": "POSITION_UPDATE", **expected, "cursor": str(HEAD)}


@pytest.mark.parametrize("channels", [["feed"], ["system"], ["tokens", "deaths"], ["positions"]])
def test_the_last_events_come_before_what_is_live(
    client: WebClient, season_tables: Connection[Any], channels: list[str]
) -> None:
    expected = sorted(expected_feed(season_tables, channels))[-7:]

    async def work() -> list[int]:
        async with dial(client) as socket:
            await receive(socket)
            await ask(socket, type="SUBSCRIBE", channels=channels, last=7)
            await ask(socket, type="PING")
            assert (await receive(socket))["head"] == str(HEAD)
            places = []
            while (frame := await receive(socket))["type"] != "PONG":
                places.append(int(frame["id"]))
            return places

    assert run(work()) == expected


def test_replays_that_nobody_reads_do_not_keep_others_from_theirs(
    client: WebClient, season_tables: Connection[Any]
) -> None:
    async def work() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(12):
                raw = await stack.enter_async_context(non_reading_client(client))
                await asyncio.get_running_loop().sock_sendall(
                    raw, masked(type="SUBSCRIBE", channels=["tokens", "feed"], since="0")
                )
            at_work = "SELECT count(*) >= 8 FROM pg_stat_activity WHERE application_name = 'ghostnet replay'"
            await asyncio.to_thread(await_true, lambda: fetch_one(season_tables, at_work), "fewer than 8 replays")
            async with dial(client) as socket:
                head = (await receive(socket))["head"]
                await ask(socket, type="SUBSCRIBE", channels=["feed"], since=str(int(head) - (3 << 23)))
                assert (await asyncio.wait_for(receive(socket), 50))["type"] == "SUBSCRIBED"

    run(work())


def test_who_does_not_read_is_closed_and_others_miss_nothing(client: WebClient) -> None:
    """Answers that nobody reads pile up until they are too many; who then reads on finds out why it was closed."""

    async def work() -> None:
        async with non_reading_client(client) as raw:
            await listen_to_nobody(raw)

    async def listen_to_nobody(raw: sockets.socket) -> None:
        loop = asyncio.get_running_loop()
        closed = client.counted("websocket_closed_total")
        async with dial(client) as socket:
            await receive(socket)
            # What a closed client still sends is not read, and would end the connection with a reset: stop in time.
            for number in range(1_000):
                await loop.sock_sendall(raw, masked(type="SUBSCRIBE_USER", address=f"0x{number % 64:040x}"))
                # No faster than the server handles messages: a client with many unhandled ones is closed, too.
                await ask(socket, type="PING")
                assert await asyncio.wait_for(receive(socket), 30) == {"type": "PONG"}
                if number % 20 == 0 and client.counted("websocket_closed_total") > closed:
                    break
        # What waits is kept for 10 s from the close on, and comes slowly where there is little room for it.
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 20)
        received, farewell = b"", bytes((0x88, 2)) + (4408).to_bytes(2, "big")
        while not received.endswith(farewell):
            chunk = await loop.sock_recv(raw, 1 << 20)
            assert chunk, "closed without a word"
            received = received[-8:] + chunk

    run(work())
