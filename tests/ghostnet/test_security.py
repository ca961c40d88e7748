"""Attacks, and that they fail: docs/security.md lists the threats."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from psycopg import Connection
from websockets.exceptions import ConnectionClosed

from indexer.domain.events import TollCollected
from indexer.domain.units import Hash
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from indexer.store.digest import state_digest
from tests.chains import ADDRESSES, ChainBuilder, user
from tests.databases import default_database
from tests.factories import PASSWORD, UserFactory
from tests.indexing import index
from tests.pages.chromium import Chromium, needs_chromium
from tests.pages.operator import Operator
from tests.paths import OPENAPI, PROJECT
from tests.processes import environment_of
from tests.realtime.socket import ask, dial, receive
from tests.web import NO_NODE, SECRET, WebClient, web

SQL = (
    "1; DROP TABLE positions; --",
    "' OR '1'='1",
    '" OR ""="',
    "1) UNION SELECT password FROM auth_user --",
    "1' AND pg_sleep(60) IS NULL --",
    "$$; SELECT 1; $$",
    "%s %(limit)s {}",
    "\\x00'",
    "\x00",
    "١٢٣",
)
HUGE = ("9" * 30, "-" + "9" * 30, "1e400", "9" * 5_000, "A" * 5_000, "=" * 100)
MARKUP = b"<img src=x onerror=alert(1)>"


def parameters() -> list[tuple[str, str]]:
    """Every parameter of the API: a path that takes it, with a place for its value."""
    found = []
    for path, operation in json.loads(OPENAPI.read_text())["paths"].items():
        named = operation["get"].get("parameters", [])
        filled = re.sub(r"\{(\w+)\}", lambda one: "0x" + "a" * 40 if one[1] == "address" else "1", path)
        found += [(f"{filled}?{one['name']}=", "") for one in named if one["in"] == "query"]
        found += [tuple(path.split(f"{{{one['name']}}}")) for one in named if one["in"] == "path"]
    return [(re.sub(r"\{\w+\}", "1", before), re.sub(r"\{\w+\}", "1", after)) for before, after in found]


def test_no_parameter_is_ever_sql_and_none_is_too_large(
    season_web: WebClient, indexed_season: str, django_db_blocker: Any
) -> None:
    """Each place takes a third of the values, the next one the next third: most places stand on many paths."""
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        before = state_digest(connection)
    places = [
        *parameters(),
        ("/player/", ""),
        ("/search?q=", ""),
        ("/tx/", ""),
        ("/block/", ""),
        ("/round/", ""),
        ("/scan/1/", ""),
    ]
    assert len(places) > 60
    for number, (before_value, after_value) in enumerate(places):
        for value in (SQL + HUGE)[number % 3 :: 3]:
            path = f"{before_value}{quote(value, safe='')}{after_value}"
            answer = season_web.get(path)  # within half a minute
            assert answer.status_code < 500, path
            assert b"syntax error" not in answer.content
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        assert state_digest(connection) == before


def test_answers_are_never_taken_for_scripts_or_framed(season_web: WebClient) -> None:
    for path in ("/", "/admin/login/", "/api/v1/stats", "/api/v1/nothing", "/api/v1/docs", "/static/ghostnet/live.js"):
        headers = season_web.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        if not path.startswith("/static"):
            assert re.search("frame-ancestors '?none", headers["Content-Security-Policy"]), path
            assert "unsafe-inline" not in headers["Content-Security-Policy"].partition("style-src")[0], path


@needs_chromium
def test_the_api_s_documents_work_under_their_policy(chromium: Chromium, season_web: WebClient) -> None:
    async def work() -> None:
        async with chromium.browse(season_web, "/api/v1/docs") as page:
            await page.get_by_text("/api/v1/stats/levels").first.wait_for()
            link = await page.get_by_role("link", name="its messages").get_attribute("href")
            await page.goto(f"{season_web.url}{link}")
            await page.get_by_role("heading", name="SUBSCRIBE_USER", exact=True).wait_for()

    chromium.run(work())


def test_only_pages_pass_the_front_that_has_no_sessions(season_web: WebClient) -> None:
    for path in ("/admin/", "/admin/status/", "/admin/indexer/toll/", "/health/live", "/static/ghostnet/live.js"):
        plain, asked = season_web.get(path), season_web.get(f"{path}?part=board")
        assert asked.status_code == plain.status_code == 200, path
        assert asked.headers["Cross-Origin-Opener-Policy"] == "same-origin", "Django's middleware was passed"


def test_a_host_that_is_not_ours_is_refused(season_web: WebClient) -> None:
    assert season_web.get("/", {"Host": "evil.example"}).status_code == 400
    assert season_web.get("/admin/login/", {"Host": "evil.example"}).status_code == 400


def test_a_client_that_floods_a_socket_is_closed_and_others_are_served(season_web: WebClient) -> None:
    """Each of 20 clients sends faster than anybody could look at it, in frames of the largest size that are taken."""

    async def shout() -> int | None:
        async with dial(season_web, compression=None) as loud:
            try:
                for _ in range(3_000):
                    await loud.send(json.dumps({"type": "PING", "more": "x" * 100_000}))
                while True:
                    await loud.recv()
            except ConnectionClosed:
                return loud.close_code

    async def work() -> None:
        async with dial(season_web) as quiet:
            await receive(quiet)
            shouting = [asyncio.create_task(shout()) for _ in range(5)]
            for _ in range(20):
                await ask(quiet, type="PING")
                assert await asyncio.wait_for(receive(quiet), 30) == {"type": "PONG"}
                await asyncio.sleep(0.05)
            # A connection that is closed while more is on its way may end without the frame that says why.
            assert {await one for one in shouting} <= {4429, 1006, None}
        async with dial(season_web) as loud:
            with suppress(ConnectionClosed):
                for _ in range(4_000):
                    await ask(loud, type="PING")
                    await receive(loud)
            assert loud.close_code == 4429

    asyncio.run(asyncio.wait_for(work(), 150))


def test_a_message_of_two_mebibytes_ends_its_connection_alone(season_web: WebClient) -> None:
    async def work() -> None:
        async with dial(season_web) as other:
            await receive(other)
            async with dial(season_web) as socket:
                await receive(socket)
                with suppress(ConnectionClosed):
                    await socket.send("x" * (2 << 20))
                    await receive(socket)
                assert socket.close_code in (1009, 1006), "or it is reset before it reads why"
            await ask(other, type="PING")
            assert await receive(other) == {"type": "PONG"}

    asyncio.run(asyncio.wait_for(work(), 150))


def test_a_request_that_is_never_finished_keeps_nobody_waiting(season_web: WebClient) -> None:
    with socket.create_connection(("127.0.0.1", season_web.port or 0)) as slow:
        slow.sendall(b"GET /api/v1/stats HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert season_web.get("/api/v1/stats").status_code == 200


def test_a_form_from_elsewhere_does_nothing_with_an_operator_s_session(
    database: str, connection: Connection[Any]
) -> None:
    """The browser of somebody who is logged in sends the cookies along, but has no CSRF token of the site."""
    UserFactory.create()
    form = {"kind": "pause", "confirmation": "pause", "reason": "x", "argument": ""}
    with web(database) as server:
        operator = Operator(server)
        operator.log_in("root")
        for extra in ({}, {"csrfmiddlewaretoken": "a" * 64}):
            answer = operator.forge("/admin/indexer/operatorrequest/add/", form | extra)
            assert answer.status_code == 403
        assert connection.execute("SELECT count(*) FROM operator_requests").fetchone() == (0,)
        assert operator.cookies.count("HttpOnly") == 2, "scripts can read neither the session nor the token"


@needs_chromium
def test_what_an_event_holds_is_shown_as_text_everywhere(
    chromium: Chromium, database: str, connection: Connection[Any]
) -> None:
    """The reason of a toll is 32 bytes that anybody chooses."""
    chain = ChainBuilder()
    chain.deploy()
    chain.jack_in(user(2), 10**22, 1)
    reason = Hash("0x" + MARKUP.ljust(32, b"\0").hex())
    chain.events(("FeeRouter", TollCollected(user(2), 10**18, reason)), to=ADDRESSES["FeeRouter"])
    with ReplayServer(chain.blocks) as node:
        index(node, ADDRESSES)
    UserFactory.create()

    async def work(server: WebClient) -> None:
        async with chromium.browse(server) as page:
            dialogs: list[str] = []
            page.on("dialog", lambda dialog: dialogs.append(dialog.message))
            await page.get_by_text("a toll of").wait_for()
            assert await page.locator("img").count() == 0
            await page.goto(f"{server.url}/admin/")
            await page.get_by_label("Username").fill("root")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            for table in ("toll", "chainevent"):
                await page.goto(f"{server.url}/admin/indexer/{table}/")
                assert await page.locator("#result_list tbody tr").count() >= 1
                assert await page.locator("#result_list img").count() == 0
            assert dialogs == []

    with web(database) as server:
        events = server.get("/api/v1/events?name=TollCollected")
        assert events.headers["Content-Type"].startswith("application/json")
        assert events.json()["items"][0]["args"]["reason"] in (reason, MARKUP.decode())
        chromium.run(work(server))


def test_a_production_installation_passes_all_of_django_s_checks(database: str) -> None:
    variables = {"DJANGO_DEBUG": "false", "DJANGO_ALLOWED_HOSTS": "ghostnet.example"} | SECRET
    command = [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    environment = environment_of(database, NO_NODE, **variables)
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    environment.pop("DJANGO_SECRET_KEY")
    without = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "DJANGO_SECRET_KEY" in without.stderr


def test_every_threat_has_a_test_that_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (PROJECT / "docs" / "security.md").read_text())
    assert len(named) > 10
    for path, test in named:
        assert f"def {test}(" in (PROJECT / path).read_text(), f"{path}::{test}"
