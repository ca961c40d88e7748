"""The TypeScript client against a real server: what it shows is what the tables hold, whatever happened meanwhile."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from psycopg import Connection

from indexer.domain.units import to_hex
from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.clients.compiled import CLIENT, TOOLS, compile_client, needs_compiler, needs_types, node, page_code
from tests.databases import database_url
from tests.pages.chromium import Chromium, needs_chromium
from tests.processes import HEAD, await_tip, await_true, live
from tests.rows import fetch_one
from tests.stream.expected import expected_feed
from tests.web import WebClient, web

FOLLOW, REFUSALS = (Path(__file__).with_name(name) for name in ("follow.mjs", "refusals.mjs"))
BETTOR = (
    "SELECT address FROM current_positions JOIN current_bets USING (address) WHERE status = 'alive'"
    " GROUP BY address ORDER BY count(*) DESC, address LIMIT 1"
)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the client, compiled by the first worker that needs it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    compiled = shared / "compiled client"
    with (shared / "client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not compiled.exists():
            compile_client(tmp_path_factory.mktemp("client")).rename(compiled)
    return compiled


@needs_types
def test_the_types_are_those_of_the_documents(tmp_path: Path) -> None:
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(node(CLIENT / "generate.mjs", tmp_path), check=True, env={**os.environ, "PATH": path})
    for made in sorted(tmp_path.iterdir()):
        assert made.read_text() == (CLIENT / "src" / "types" / made.name).read_text(), "run `make client`"


class Program:
    """A running script of Node's; `lines` are what it has printed so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    def await_line(self, right: Callable[[Any], bool], otherwise: str) -> Any:
        """Wait until the last line, which is JSON, is right; return what it says."""

        def arrived() -> bool:
            assert self._process.poll() is None, self.lines[-30:]
            return bool(self.lines) and right(json.loads(self.lines[-1]))

        await_true(arrived, otherwise)
        return json.loads(self.lines[-1])


class Files(SimpleHTTPRequestHandler):
    """Serves a folder, and logs nothing."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def frontend(folder: Path) -> Iterator[str]:
    """The origin at which the files of a folder are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@contextmanager
def program(script: Path, *arguments: object) -> Iterator[Program]:
    command = node(script, *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@needs_compiler
def test_it_has_what_the_tables_hold_through_forks_restarts_and_silence(
    client: Path, database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """Beside the example: a program that prints each event that it knows."""
    since = (HEAD - 4) << 23

    def see_all() -> Any:
        await_tip(connection, chain.chain.blocks[-1].hash)
        ids = [str(place) for place in sorted(expected_feed(connection, ["feed"]), reverse=True) if place > since]
        report = known.await_line(
            lambda report: report["state"] == "live" and report["ids"] == ids and not report["pending"],
            "it does not know all",
        )
        assert int(report["cursor"]) >> 23 <= chain.chain.head
        return report

    def see_ahead() -> set[str]:
        chain.announce()
        return {*known.await_line(lambda report: report["pending"], "nothing comes before its block")["pending"]}

    with (
        live(database, connection, season, mini_blocks=MiniBlockPlan(10, timestamps=True)) as chain,
        web(database) as server,
        program(FOLLOW, client, server.url, since, player := to_hex(fetch_one(connection, BETTOR))) as known,
        program(client / "examples" / "live.js", server.url, player) as example,
    ):
        see_all()
        await_true(lambda: chain.status()["subscriptions"] == 2, "no subscription")
        early = see_ahead()
        chain.advance(8)
        confirmed = {*see_all()["early"]}
        assert early <= confirmed
        early = see_ahead()
        chain.fork(6, 1)
        report = see_all()
        assert (report["reorgs"], report["aborted"]) == (1, 1)
        assert early <= {*report["dropped"]} <= {*report["early"]} - confirmed, (
            "those seen ahead, and what followed them"
        )
        server.kill()
        chain.advance(5)
        chain.fork(3, 4)
        server.start()
        assert see_all()["reorgs"] >= 2  # what was replaced before may be taken back once more
        server.stop()
        server.await_end()
        chain.advance(3)
        server.start()
        assert 1001 in see_all()["lost"]
        server.freeze()
        known.await_line(lambda report: report["state"] != "live", "it waits for a server that is silent")
        server.thaw()
        chain.advance(3)
        assert see_all()["position"] == server.get(f"/api/v1/positions/{player}").json()["position"]
        right = expected_screen(server, player)
        await_true(lambda: screen(example) == right, f"it does not show {right}")


def screen(example: Program) -> list[str]:
    """What the example shows now: the last of the screens that it has printed."""
    return "\n".join(example.lines).split("\n== ")[-1].splitlines()


def expected_screen(server: WebClient, player: str) -> list[str]:
    """What it must show, as the API has it."""

    def data(wei: str) -> str:
        return f"{int(wei) // 10**14 / 1e4:.2f} DATA"

    def get(path: str) -> Any:
        return server.get(f"/api/v1{path}").json()

    board = get(f"/leaderboard/staked?limit=1&address={player}")
    position = get(f"/positions/{player}")["position"]
    return [
        f"live, block {get('/status')['indexed_block']} ==",
        *(
            f"{one['level_name']}: {one['players']} players, {data(one['total_staked'])},"
            f" next scan at {one['next_scan_at']}"
            for one in get("/network")["levels"]
        ),
        f"{player}: {position['status']}, {data(position['effective_amount'])} on {position['level_name']}"
        if position
        else f"{player}: no position",
        f"rank {board['me']['rank']} of {board['total']} by stake" if board["me"] else "no rank",
        *(
            f"bet of {data(bet['amount'])} on {bet['side']} in round {bet['round_id']}: {bet['status']}"
            for bet in get(f"/bets/{player}?limit=5")["items"]
        ),
        *(
            f"{one['id']} {one['event']['type']} {json.dumps(one['event']['data'], separators=(',', ':'))}"
            for one in get("/feed?limit=5")["items"]
        ),
    ]


@needs_compiler
def test_what_the_server_refuses_is_reported_and_repeated_where_that_helps(
    client: Path, indexed_season: str, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url, GHOSTNET_LONGEST_WAIT="0.05") as server:
        command = node(REFUSALS, client, server.url)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        status = server.get("/api/v1/status")
    found = json.loads(done.stdout)
    assert found["typo"]["isApiError"]
    assert found["typo"]["status"] == 422
    [typo] = found["typo"]["errors"]
    assert typo["parameter"] == "levl"
    assert typo["message"].startswith("there is no such parameter; this path has level, ")
    assert found["missing"]["status"] == 404
    assert (found["early"]["status"], found["early"]["retryAfter"]) == (425, 1000)
    assert found["aborted"]["name"] == "AbortError"
    assert found["nobody"]["name"] == "TypeError"
    assert found["repeated"] == {
        "attempts": 2,
        "block": int(status["X-Indexed-Block"]),
        "hash": status["X-Indexed-Hash"],
        "cursor": status["X-Feed-Cursor"],
    }
    assert found["reset"]["code"] == "bad_cursor"
    assert found["reset"]["cursor"] == status["X-Feed-Cursor"]
    assert found["closed"] == {"status": "closed"}
    assert found["penance"]["code"] == 4429
    assert found["penance"]["retryIn"] > 60_000
    assert found["address"]["name"] == "TypeError"


@needs_compiler
@needs_chromium
def test_the_page_of_the_documents_is_live_from_another_origin(
    chromium: Chromium,
    tmp_path: Path,
    client: Path,
    database: str,
    connection: Connection[Any],
    season: list[RecordedBlock],
) -> None:
    """Served as Vite would serve it, with the server's address put in."""

    async def shown(page: Page, name: str) -> list[str]:
        return await page.locator(f"#{name} li").all_inner_texts()

    async def await_shown(page: Page, server: WebClient) -> None:
        async with asyncio.timeout(50):
            while True:
                network, status = (server.get(f"/api/v1/{path}").json() for path in ("network", "status"))
                board = [
                    f"block {status['indexed_block']}, {network['players']} players",
                    *(f"{level['level_name']}: {level['players']} players" for level in network["levels"]),
                ]
                events = [
                    f"{one['event']['type']} {json.dumps(one['event']['data'], separators=(',', ':'))}"
                    for one in server.get("/api/v1/feed?limit=20").json()["items"]
                ]
                feed = await shown(page, "feed")
                if feed and feed == events[: len(feed)] and await shown(page, "board") == board:
                    return
                await page.wait_for_timeout(100)

    async def work(chain: ReplayServer, server: WebClient, origin: str) -> None:
        async with chromium.browse(server, "/health/live") as page:
            await page.goto(origin)
            await await_shown(page, server)
            chain.advance(3)
            await asyncio.to_thread(await_tip, connection, chain.chain.blocks[-1].hash)
            await await_shown(page, server)
            chain.fork(5, 7)
            await asyncio.to_thread(await_tip, connection, chain.chain.blocks[-1].hash)
            await await_shown(page, server)
            server.kill()
            await page.locator("#state", has_text="offline").wait_for()
            chain.fork(3, 6)
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(await_tip, connection, chain.chain.blocks[-1].hash)
            await page.locator("#state", has_text="live").wait_for()
            await await_shown(page, server)
            assert len(await shown(page, "feed")) > 5

    folder = tmp_path / "page"
    shutil.copytree(client, folder)
    with (
        frontend(folder) as origin,
        live(database, connection, season) as chain,
        web(database, GHOSTNET_CORS_ORIGINS=origin) as server,
    ):
        (folder / "index.html").write_text(page_code("html").replace("/src/main.ts", "/examples/page.js"))
        script = folder / "examples" / "page.js"
        text = script.read_text().replace('"ghostnet-client"', '"/src/index.js"')
        script.write_text(text.replace("http://127.0.0.1:8000", server.url))
        chromium.run(work(chain, server, origin))
