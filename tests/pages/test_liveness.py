"""How far a page can be relied on: its state line, and what counts down, in a real browser."""

import re
from typing import Any

from playwright.async_api import Page, expect
from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.checkpoint import HEAD_CHANNEL
from tests.factories import OperatorRequestFactory
from tests.pages.chromium import Chromium, needs_chromium
from tests.processes import HEAD, await_true, live
from tests.web import WebClient, web

pytestmark = needs_chromium
PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
COMMIT = (
    "WITH moved AS (UPDATE checkpoints SET revision = revision + 1 RETURNING block_number)"
    " SELECT pg_notify(%s, block_number::text) FROM moved"
)


def test_a_server_that_says_nothing_any_more_is_noticed(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """Its host is gone, or the way to it: no connection is closed."""

    async def work(client: WebClient) -> None:
        async with chromium.browse(client, "/health/live") as page:
            await page.clock.install()
            await page.goto(client.url)
            said = page.locator("#connection")
            before = await seconds_left(page)
            for _ in range(3):
                await expect(said).to_have_text("live")
                await page.clock.fast_forward(20_000)
                await page.wait_for_timeout(300)
            assert await seconds_left(page) == before, "it stands still while the chain does"
            client.freeze()
            for _ in range(3):
                await page.clock.fast_forward(20_000)
            await expect(said).to_contain_text(re.compile("reconnecting|connecting"))
            client.thaw()
            while await said.inner_text() != "live":  # the longest pause between its attempts is shorter
                await page.clock.fast_forward(15_000)
                await page.wait_for_timeout(500)

    with live(database, connection, season), web(database) as client:
        chromium.run(work(client))


def test_what_counts_down_follows_the_chain(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """From one block to the next, but not on while the chain stands still."""

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with chromium.browse(client, "/health/live") as page:
            await page.clock.install()
            await page.goto(client.url)
            await expect(page.locator("#connection")).to_have_text("live")
            node.advance(1)
            chain = page.locator("#chain")
            await expect(chain).to_have_attribute("data-block", str(HEAD + 1))
            due = await page.locator(".figures .countdown").evaluate("one => Date.parse(one.dateTime) / 1000")
            at_block = int(due) - int(await chain.get_attribute("data-time") or 0)
            for _ in range(2):
                await page.clock.fast_forward(30_000)
                assert await seconds_left(page) == at_block - 10
            await page.reload()
            await expect(page.locator("#connection")).to_have_text("live")
            assert await seconds_left(page) == at_block, "as of the newest block"

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


def test_figures_that_are_old_are_said_to_be(chromium: Chromium, season_web: WebClient) -> None:
    """The feed's connection stands, and the board can't be read."""

    async def work() -> None:
        async with chromium.browse(season_web) as page:
            said = page.locator("#connection")
            current = re.compile("^(live|silent for .*)$")
            await expect(said).to_have_text(current)
            await page.route("**/?part=board", lambda route: route.fulfill(status=429))
            await expect(said).to_have_text(re.compile(r"the figures are \d+ s old"))
            assert await said.get_attribute("data-state") == "away"
            await page.unroute("**/?part=board")
            await expect(said).to_have_text(current)

    chromium.run(work())


async def seconds_left(page: Page) -> int:
    """The time until the next reset, as the page counts it down."""
    text = await page.locator(".figures .countdown").inner_text()
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def test_it_says_when_nothing_new_comes_and_why(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    with web(database) as client:
        empty = client.get("/")
        assert empty.status_code == 503
        assert b'http-equiv="refresh"' in empty.content
        assert client.get("/?part=board").status_code == 503
        with live(database, connection, season):
            assert 'data-verdict="live"' in client.get("/").content.decode()
        connection.execute("UPDATE heartbeats SET seen_at = now() - interval '5 minutes'")
        connection.execute(COMMIT, (HEAD_CHANNEL,))
        for path in ("/", "/?part=board", f"/player/{PLAYER}"):
            await_said(client, path, "silent for 5 min: .*")

        OperatorRequestFactory.create(outcome="paused")

        async def pause() -> None:
            async with chromium.browse(client) as page:
                await expect(page.locator("#connection")).to_have_text(re.compile("silent for 5 min: .*"))
                connection.execute("UPDATE operator_requests SET done_at = now()")
                paused = re.compile(r"paused by ops \d+ s ago: because")
                await expect(page.locator("#connection")).to_have_text(paused)  # without a commit

        chromium.run(pause())
        for path in ("/", "/?part=board", f"/player/{PLAYER}"):
            await_said(client, path, r"paused by ops \d+ s ago: because")


def await_said(client: WebClient, path: str, words: str) -> None:
    """Wait until a page shows its state in these words: the server learns of a commit a moment later."""
    said = re.compile(f'data-verdict="{words}"')
    await_true(lambda: said.search(client.get(path).content.decode()) is not None, f"{path} does not say {words}")
