"""The spectators' pages in a real browser."""

import asyncio
import gzip
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from playwright.async_api import Page, Response, expect
from psycopg import Connection

from ghostnet.pages.wording import in_tokens, level_name, short
from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.alarms import AlarmKind
from indexer.store.database import connect
from tests.databases import default_database
from tests.factories import AlarmFactory
from tests.pages.chromium import Chromium, assert_accessible, needs_axe, needs_chromium
from tests.processes import HEAD, await_tip, await_true, live
from tests.rows import fetch_one
from tests.stream.expected import expected_feed
from tests.web import WebClient, web

pytestmark = needs_chromium
PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
MISS = "/search?q=0x" + "ab" * 32
PATHS = ("/", f"/player/{PLAYER}", "/scan/2/86", "/round/1", "/block/500", "/search?q=1", MISS, "/api/v1/ws-docs")
PHONE: Any = {"width": 360, "height": 740}
MAX_BYTES = 150_000
SCAN_OF_LATE = "SELECT level, scan_id FROM scans WHERE step = 'executed' AND id >= %s"


@pytest.mark.parametrize("scripts", [True, False], ids=["live", "without scripts"])
def test_the_network_is_shown_as_the_api_answers_from_our_server_alone(
    chromium: Chromium, season_web: WebClient, scripts: bool
) -> None:
    stats = season_web.get("/api/v1/stats").json()
    levels = season_web.get("/api/v1/stats/levels").json()
    earner = season_web.get("/api/v1/leaderboard/earnings?limit=1").json()["items"][0]

    async def work() -> None:
        async with chromium.browse(season_web, "/health/live", java_script_enabled=scripts) as page:
            answers: list[Response] = []
            page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - playwright marks what it is given
            await page.goto(season_web.url)
            figures = await page.locator(".figures dd").all_inner_texts()
            assert figures[0] == f"{in_tokens(stats['total_value_locked'])} DATA"
            assert figures[1:3] == [str(stats["players"]), str(stats["deaths"]["count"])]
            assert figures[3] == f"{in_tokens(stats['burned']['total'])} DATA"
            rows = await page.locator(".levels tbody tr").all_inner_texts()
            assert len(rows) == 5
            for row, level in zip(reversed(rows), levels, strict=True):
                cells = row.split("\t")
                assert cells[0] == level["level_name"].replace("_", " ")
                assert cells[3].split()[0] == str(level["players"])
                assert cells[4] == in_tokens(level["total_staked"])
            leader = page.locator("section:has(#earners-title) li").first
            assert in_tokens(earner["earnings"]) in await leader.inner_text()
            assert await page.locator("#feed li").count() == 40
            await expect(page.locator("#connection")).to_have_text(re.compile("^(live|silent for .*)$"))
            assert await page.locator("noscript p").is_visible() is not scripts, "as of this page's loading"
            await page.wait_for_load_state("networkidle")
            await assert_ours_and_small(answers.copy(), season_web)
            if scripts:
                await use_chart(page)
                await page.get_by_role("button", name="culling").first.click()
                await expect(page.locator("#about-culling")).to_be_visible()

    chromium.run(work())


async def use_chart(page: Page) -> None:
    """The chart shows its values to the pointer and to the keyboard."""
    reading = page.locator("#chart-1 .reading")
    summary = await reading.inner_text()
    await page.locator("#chart-1 svg").hover()
    await expect(reading).to_have_text(re.compile(r"\d\d:00 UTC: [\d,]+ DATA"))
    await page.get_by_text("7 d", exact=True).click()
    assert await page.locator("#chart-1").is_hidden()
    await page.locator("#chart-2 svg").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#chart-2 .reading")).to_have_text(re.compile("UTC: .* DATA"))
    assert await reading.text_content() == summary


async def assert_ours_and_small(answers: Sequence[Response], client: WebClient) -> None:
    hosts = {re.sub(r"^\w+://([^/]+).*", r"\1", answer.url) for answer in answers}
    sizes = {answer.url: len(gzip.compress(await answer.body())) for answer in answers}
    for path in ("/", f"/player/{PLAYER}", "/?part=board"):
        assert client.get(path)["Content-Encoding"] == "gzip", path
    assert hosts == {f"127.0.0.1:{client.port}"}
    assert sum(sizes.values()) < MAX_BYTES


async def shown(page: Page) -> list[int]:
    """The ids of the feed's rows, as they stand."""
    found = await page.locator("#feed li[data-id]").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return [int(place) for place in found]


def hidden(connection: Connection[Any]) -> set[int]:
    """The ids of transfers to and from contracts: another event says what they are of."""
    contracts = set(json.loads(fetch_one(connection, "SELECT contracts FROM checkpoints")).values())
    rows = connection.execute("SELECT id, args->>'from', args->>'to' FROM chain_events WHERE name = 'Transfer'")
    return {row_id for row_id, sender, recipient in rows if {sender, recipient} & contracts}


async def texts(page: Page) -> dict[str, str]:
    """What the newest rows of the feed say, by their ids."""
    rows = page.locator("#feed li[data-id]")
    read = "rows => rows.slice(0, 30).map(row => [row.dataset.id, row.querySelector('span').textContent])"
    return dict(await rows.evaluate_all(read))


async def await_feed(page: Page, connection: Connection[Any], block: int) -> None:
    """Wait until the page shows exactly the newest of what the tables hold, and the board the block."""
    async with asyncio.timeout(60):
        while True:
            await expect(page.locator("#chain")).to_have_attribute("data-block", str(block))
            expected = sorted(set(expected_feed(connection, ["feed"])) - hidden(connection), reverse=True)
            found = await shown(page)
            if found and found == expected[: len(found)]:
                return
            await page.wait_for_timeout(100)


def test_what_happens_is_shown_through_reorgs_and_lost_connections(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> None:
        async def arrive() -> None:
            tip = node.chain.blocks[-1]
            await asyncio.to_thread(await_tip, connection, tip.hash)
            await await_feed(page, connection, tip.number)

        async with chromium.browse(client) as page:
            await expect(page.locator("#connection")).to_have_text("live")
            node.advance(10)
            await arrive()
            assert await page.locator("#notice").is_hidden()
            node.fork(6, 8)
            await arrive()
            assert f"after block {HEAD + 4}" in await page.locator("#notice").inner_text()
            client.kill()
            await expect(page.locator("#connection")).to_contain_text("reconnecting")
            node.advance(5)
            node.fork(3, 4)
            await asyncio.to_thread(client.start)
            await arrive()
            assert await page.locator("#connection").inner_text() == "live"
            before = await texts(page)
            await page.reload()
            assert (await texts(page)).items() >= before.items(), "the browser words events as the server does"

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


def test_what_is_in_no_block_yet_is_dimmed_until_it_is_and_struck_out_if_it_never_will_be(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> None:
        async with chromium.browse(client) as page:
            early, dropped = page.locator("#feed .early"), page.locator("#feed .dropped")
            await expect(page.locator("#connection")).to_have_text("live")
            await asyncio.to_thread(await_true, lambda: node.status()["subscriptions"] == 2, "no subscription")
            node.announce()
            await expect(early.first).to_be_visible()
            node.advance()
            tip = node.chain.blocks[-1]
            await asyncio.to_thread(await_tip, connection, tip.hash)
            await await_feed(page, connection, tip.number)
            await expect(early).to_have_count(0)
            node.announce()
            await expect(early.first).to_be_visible()
            node.fork(1, 2)
            await expect(dropped.first).to_be_visible()
            await expect(dropped).to_have_count(0)
            await expect(early).to_have_count(0)

    plan = MiniBlockPlan(10, timestamps=True)
    with live(database, connection, season, mini_blocks=plan) as node, web(database) as client:
        chromium.run(work(node, client))


def test_what_is_read_stays_where_it_is_while_the_board_changes(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> None:
        async with chromium.browse(client, viewport={"width": 360, "height": 740}) as page:
            await expect(page.locator("#connection")).to_have_text("live")
            links = page.locator("#board a")
            await links.nth(await links.count() - 1).focus()
            await page.locator("#feed").evaluate("one => { one.scrollTop = 120; }")
            focused = "[...document.querySelectorAll('#board a')].indexOf(document.activeElement)"
            before = await page.evaluate(focused)
            assert before > 0
            node.advance(1)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            await expect(page.locator("#chain")).to_have_attribute("data-block", str(HEAD + 1))
            assert await page.locator("#feed").evaluate("one => one.scrollTop") >= 120
            assert await page.evaluate(focused) == before

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


def test_the_feed_stays_in_place_for_who_points_at_it(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """Or the line that somebody is about to click would move away under the pointer."""

    async def work(node: ReplayServer, client: WebClient) -> None:
        async def arrive(blocks: int) -> None:
            node.advance(blocks)
            tip = node.chain.blocks[-1]
            await asyncio.to_thread(await_tip, connection, tip.hash)
            await await_feed(page, connection, tip.number)

        async with chromium.browse(client) as page:
            await expect(page.locator("#connection")).to_have_text("live")
            feed, title = page.locator("#feed"), page.locator("#feed-title.held")
            newest = (await shown(page))[0]
            line = page.locator(f"#feed [data-id='{newest}']")
            await line.hover()
            before = await line.bounding_box()
            await arrive(3)
            assert (await shown(page))[0] > newest
            after = await line.bounding_box()
            assert before
            assert after
            assert abs(after["y"] - before["y"]) < 1
            await expect(title).to_be_visible()
            await page.mouse.move(5, 5)
            await expect(title).to_have_count(0)
            assert await feed.evaluate("one => one.scrollTop") == 0, "the newest line is seen again"
            await arrive(3)
            assert await feed.evaluate("one => one.scrollTop") == 0

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


def test_a_scan_that_a_reorg_took_back_is_not_shown_on(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    level, scan_id = 1, 0

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with chromium.browse(client, f"/scan/{level}/{scan_id}") as page:
            await expect(page.locator("#connection")).to_have_text("live")
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            node.fork(node.chain.blocks[-1].number - HEAD, 1)
            await expect(page.locator("#board")).to_contain_text("A reorg has taken back")
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            await page.wait_for_timeout(2500)
            asked.clear()
            await page.wait_for_timeout(2500)
            assert asked == [], "it is not asked for again while nothing happens"

    with live(database, connection, season) as node, web(database) as client:
        while not scan_id:
            node.advance(1)
            await_tip(connection, node.chain.blocks[-1].hash)
            level, scan_id = connection.execute(SCAN_OF_LATE, (HEAD + 3 << 23,)).fetchone() or (1, 0)
        chromium.run(work(node, client))


def test_many_who_ask_at_once_are_all_answered_and_the_database_has_room(
    season_web: WebClient, indexed_season: str, django_db_blocker: Any
) -> None:
    def ask(number: int) -> int:
        part = "?part=board" if number % 2 else ""
        return requests.get(f"{season_web.url}/player/0x{number:040x}{part}", timeout=60).status_code

    with ThreadPoolExecutor(60) as threads:
        asked = [threads.submit(ask, number) for number in range(70)]
        most = 0
        with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
            while not all(one.done() for one in asked):
                most = max(
                    most,
                    fetch_one(connection, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"),
                )
                time.sleep(0.02)
        assert {one.result() for one in asked} <= {200, 503}
        assert sum(one.result() == 200 for one in asked) > 50
    assert 2 < most < 25


def test_who_died_last_and_what_is_scanned_next_is_seen_at_once(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """A level without players, or with a running scan, is not next; until there were some that are, and none."""

    def expected(client: WebClient) -> tuple[str, list[str], str]:
        death = client.get("/api/v1/deaths?limit=1").json()["items"][0]
        levels = client.get("/api/v1/network").json()["levels"]
        scans = client.get("/api/v1/scans?limit=20").json()["items"]
        running = {one["level"] for one in scans if one["finalized_at"] is None}
        waiting = [one for one in levels if one["players"] and one["level"] not in running]
        following = min(waiting, key=lambda one: one["next_scan_at"], default=None)
        last = f"{short(death['address'])} on {level_name(death['level'])}"
        after = f"on {level_name(following['level'])}\n" if following else "when those are over"
        return last, sorted(map(level_name, running)), after

    async def work(node: ReplayServer, client: WebClient) -> None:
        seen: set[bool] = set()
        async with chromium.browse(client) as page:
            while len(seen) < 2:
                node.advance(1)
                await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
                await page.goto(client.url)
                last, running, after = await asyncio.to_thread(expected, client)
                shown = await page.locator(".now div").all_inner_texts()
                assert last in shown[0]
                found = await page.locator(".now .running").all_inner_texts()
                assert sorted(found) in (running, [f"{len(running)} levels"])
                assert after in shown[2]
                seen.add("over" in after)

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


@needs_axe
def test_people_who_see_or_point_otherwise_can_use_it(chromium: Chromium, season_web: WebClient) -> None:
    async def work() -> None:
        async with chromium.browse(season_web, bypass_csp=True) as page:
            for path in PATHS:
                await page.goto(season_web.url + path)
                await assert_accessible(page)
            await page.goto(season_web.url)
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement.textContent") == "Skip to the game"
            await page.keyboard.press("Enter")
            assert await page.evaluate("document.activeElement.id") == "main"

    chromium.run(work())


def test_it_fits_a_phone_and_a_tablet(chromium: Chromium, season_web: WebClient) -> None:
    async def work() -> None:
        async with chromium.browse(season_web, viewport=PHONE) as page:
            for path in PATHS:
                await page.goto(season_web.url + path)
                assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
            await page.set_viewport_size({"width": 820, "height": 1180})
            await page.goto(f"{season_web.url}/player/{PLAYER}")
            too_broad = "one => one.scrollWidth - one.clientWidth"
            assert await page.locator("#board .scroll").evaluate(too_broad) == 0, "all columns are seen"

    chromium.run(work())


def test_text_of_the_chain_is_never_markup(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """An alarm quotes what an event or a node said, and names a transaction; it fits a phone."""

    async def work(client: WebClient) -> None:
        async with chromium.browse(client, viewport=PHONE) as page:
            shown = await page.locator(".alarm").inner_text()
            assert re.search(r"The last audit found differences, \d+ s ago .*<b onclick", shown)
            assert await page.locator(".alarm b").count() == 0
            assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    with live(database, connection, season), web(database) as client:
        AlarmFactory.create(kind=AlarmKind.AUDIT, message=f"<b onclick=alert(1)>x</b> in 0x{'ab' * 32}")
        chromium.run(work(client))
