"""The operators' admin: over HTTP, and in a real browser."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth.models import Permission
from playwright.async_api import expect
from psycopg import Connection

from indexer.models import Audit
from indexer.store.database import connect
from indexer.store.incidents import IncidentKind, note_incident
from tests.databases import Databases, database_url, default_database
from tests.factories import PASSWORD, AlarmFactory, AuditFactory, OperatorRequestFactory, UserFactory, now
from tests.filling import fill
from tests.pages.chromium import Chromium, assert_accessible, needs_axe, needs_chromium
from tests.pages.operator import Operator
from tests.rows import fetch_one
from tests.web import WebClient, web

PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"


@pytest.fixture
def client(database: str, connection: Connection[Any]) -> Iterator[WebClient]:
    """A server on 150 blocks, with the operators."""
    furnish(connection)
    with web(database) as server:
        yield server


def furnish(connection: Connection[Any]) -> None:
    """150 blocks, a superuser `root` and `reader`, who may see everything and ask for audits."""
    fill(connection, 150)
    UserFactory.create()
    reader = UserFactory.create(username="reader", is_superuser=False)
    views = Permission.objects.filter(content_type__app_label="indexer", codename__startswith="view_")
    reader.user_permissions.set([*views, Permission.objects.get(codename="request_audit")])


@pytest.fixture(scope="module")
def shared(template: str, django_db_blocker: Any) -> Iterator[tuple[str, WebClient]]:
    """The name of a database like that of `client`, and a server on it: for all tests that change nothing in it."""
    lent = Databases(template)
    with django_db_blocker.unblock():
        name = lent.make()
        with default_database(name), connect() as connection:
            furnish(connection)
        with web(database_url(name)) as server:
            yield name, server
        lent.give_back()


@pytest.fixture
def unchanged(shared: tuple[str, WebClient], django_db_blocker: Any) -> Iterator[WebClient]:
    """The shared server; its database is the default one."""
    name, server = shared
    with django_db_blocker.unblock(), default_database(name):
        yield server


def test_every_table_can_be_read_and_none_changed(client: WebClient) -> None:
    root = Operator.logged_in(client, "root")
    tables = sorted(set(re.findall(rb'href="(/admin/indexer/\w+/)"', root.get("/admin/").content)))
    assert len(tables) > 30
    home = root.get("/admin/").content.decode()
    groups = re.findall(r'<div class="app-(\w+) module', home)
    tried: set[str] = set()
    assert groups == ["health", "game", "archive", "internals", "accounts"]
    for table in (path.decode() for path in tables):
        listed = root.get(table)
        assert listed.status_code == 200, table
        text = listed.content.decode()
        for row in re.findall(rf'href="({table}[^/"]+/change/)[^"]*">open<', text)[:1]:
            assert root.get(row).status_code == 200, row
        for choice, name in re.findall(r'<a href="(\?(\w+)[^"]*)"', text):
            if name not in tried:
                assert root.get(table + choice.replace("&amp;", "&")).status_code == 200, table + choice
                tried.add(name)
        if "operatorrequest" not in table:
            assert root.get(f"{table}add/").status_code == 403, table


@pytest.mark.parametrize("write", [str.lower, lambda text: "0X" + text[2:].upper()], ids=["lower", "upper"])
def test_search_finds_players_in_any_casing_transactions_and_numbers(
    unchanged: WebClient, write: Callable[[str], str]
) -> None:
    root = Operator.logged_in(unchanged, "root")
    with connect() as connection:
        rows = fetch_one(connection, f"SELECT count(*) FROM positions WHERE address = '\\x{PLAYER[2:]}'")
        tx = "0x" + fetch_one(connection, "SELECT encode(tx_hash, 'hex') FROM deaths ORDER BY id LIMIT 1")
    found = root.get(f"/admin/indexer/position/?q={write(PLAYER)}").content.decode()
    assert f"{rows} positions" in found or f"{rows} result" in found
    assert len(re.findall(">open<", root.get(f"/admin/indexer/death/?q={write(tx)}").content.decode())) == 1
    scan = re.search(
        r'href="(/admin/indexer/currentscan/\d+/change/)', root.get("/admin/indexer/currentscan/?q=7").content.decode()
    )
    assert scan is not None
    assert 'href="/admin/indexer/death/?scan_id=7"' in root.get(scan[1]).content.decode()
    assert root.get("/admin/indexer/death/?scan_id=x").status_code == 200
    nonsense = root.get("/admin/indexer/death/?q=nonsense").content.decode()
    assert "can be searched for here: an address (in any casing), a hash, the number of a scan or a block" in nonsense
    assert "searchbar" in nonsense
    assert "searchbar" not in root.get("/admin/indexer/alarm/").content.decode(), "it has nothing to search for"


def test_long_lists_are_read_stretch_by_stretch(client: WebClient, connection: Connection[Any]) -> None:
    audits = [AuditFactory.build(id=number, block_number=number) for number in range(1, 12_001)]
    Audit.objects.bulk_create(audits, batch_size=4_000)
    connection.execute("ANALYZE audits")
    root, path, seen = Operator.logged_in(client, "root"), "/admin/indexer/audit/", 0
    for newest in (12_000, 7_000, 2_000):
        page = root.get(path).content.decode()
        assert "about 12,000 rows" in page
        assert f'<td class="field-shown_block_number">{newest}</td>' in page
        last = root.get(f"{path}{'&' if '?' in path else '?'}p={min(5_000, newest) // 50}").content.decode()
        assert f'<td class="field-shown_block_number">{max(1, newest - 4_999)}</td>' in last
        seen += min(5_000, newest)
        older = [int(place) for place in re.findall(r"before=(\d+)", page) if int(place) < newest]
        if older:
            path = f"/admin/indexer/audit/?before={min(older)}"
    assert (seen, older) == (12_000, [])


SENSELESS = (
    "q=" + "9" * 5_000,
    "q=%00",
    "q=١٢٣",
    "level=abc",
    "level=%00",
    "status=%00",
    "before=x",
    "before=" + "9" * 30,
)


def test_senseless_questions_are_no_errors(unchanged: WebClient) -> None:
    root = Operator.logged_in(unchanged, "root")
    for query in (*SENSELESS, "p=x"):
        assert root.get(f"/admin/indexer/position/?{query}").status_code == 200, query


def test_each_table_can_be_filtered_by_its_own_words(unchanged: WebClient) -> None:
    root = Operator.logged_in(unchanged, "root")
    for table, name, word in (
        ("round", "action", "bet_placed"),
        ("bet", "action", "placed"),
        ("position", "action", "jacked_in"),
        ("scan", "step", "executed"),
        ("chainevent", "name", "ScanFinalized"),
    ):
        page = root.get(f"/admin/indexer/{table}/?{name}={word}").content.decode()
        assert f">{word.replace('_', ' ')}</a>" in page
        shown = re.findall(rf'field-shown_{name}">([^<]+)<', page)
        assert set(shown) == {word.replace("_", " ")}, table
    assert "?name=" not in root.get("/admin/indexer/retentionhorizon/").content.decode()


def test_a_row_s_page_has_what_belongs_to_it(unchanged: WebClient) -> None:
    with connect() as connection:
        row = fetch_one(connection, f"SELECT id FROM current_positions WHERE address = '\\x{PLAYER[2:]}'")
        rows = fetch_one(connection, f"SELECT count(*) FROM positions WHERE address = '\\x{PLAYER[2:]}'")
    page = Operator.logged_in(unchanged, "reader").get(f"/admin/indexer/currentposition/{row}/change/").content.decode()
    changes = re.findall(r'href="/admin/indexer/position/\d+/change/"', page)
    assert len(changes) == min(10, rows)
    assert f'href="/admin/indexer/position/?address={PLAYER}"' in page


def test_a_scan_s_page_has_no_rows_of_the_block_with_its_number(client: WebClient, connection: Connection[Any]) -> None:
    ended = "SELECT id >> 23 AS block, scan_id FROM scans WHERE step = 'finalized' ORDER BY id LIMIT 1"
    for table in ("scans", "current_scans"):  # the next scan gets that block's number
        connection.execute(f"UPDATE {table} s SET scan_id = e.block FROM ({ended}) e WHERE s.scan_id = e.scan_id + 1")
    row, number = connection.execute(
        f"SELECT id, c.scan_id::int FROM current_scans c, ({ended}) e WHERE c.scan_id = e.block"
    ).fetchone() or (0, 0)
    page = Operator.logged_in(client, "reader").get(f"/admin/indexer/currentscan/{row}/change/").content.decode()
    steps = re.findall(r"/admin/indexer/scan/(\d+)/change/", page)
    assert {fetch_one(connection, f"SELECT scan_id::int FROM scans WHERE id = {step}") for step in steps} == {number}


def test_the_status_page_says_how_the_indexer_is_and_what_to_do(client: WebClient, connection: Connection[Any]) -> None:
    """The home of the admin, also under its own name."""
    reader, root = Operator.logged_in(client, "reader"), Operator.logged_in(client, "root")
    note_incident(connection, IncidentKind.STARTED, "process 4711")
    connection.execute("UPDATE heartbeats SET seen_at = now() + interval '9 s'")
    page = reader.get("/admin/status/").content.decode()
    assert '<p class="said">healthy</p>' in page
    assert '<dd id="indexed">150</dd>' in page
    assert "process 4711" in page, "what happened: the indexer started"
    assert re.search(r"<td>chain_events</td><td>\d+.*?(KB|MB)</td>", page)
    connection.execute("UPDATE heartbeats SET chain_head = 1150, seen_at = now() + interval '9 s'")
    page = reader.get("/admin/").content.decode()
    assert "behind by 1,000 blocks" in page
    assert "put a faster node first" in page
    connection.execute("UPDATE heartbeats SET seen_at = now() - interval '1 min'")
    assert "/admin/runbook/IndexerDown/" in reader.get("/admin/").content.decode()
    connection.execute("UPDATE heartbeats SET seen_at = now() + interval '9 s'")
    OperatorRequestFactory.create(done_at=now(), reason="a new disk")
    page = root.get("/admin/").content.decode()
    assert re.search(r"Paused by ops since <time [^>]+>[-\d]+ [:\d]+</time>: a new disk", page)
    assert "/admin/runbook/IndexerPaused/" in page
    assert "Resume indexing" not in reader.get("/admin/").content.decode()
    AlarmFactory.create(message="<i>it</i> broke", raised_at=now() - timedelta(minutes=7))
    page = root.get("/admin/").content.decode()
    assert re.search(r"<b>The indexer has halted</b> since .*>7 min ago</time>: &lt;i&gt;it&lt;/i&gt; broke", page)
    assert "the request <em>quarantine</em> with the log" in page, "what to do about it"
    assert "GHOSTNET_REORG_DEPTH" not in page, "but not what to do about other alarms"
    for section in set(re.findall(r"/admin/runbook/\w+/", page)):
        assert root.get(section).status_code == 200
    assert root.get("/admin/runbook/nothing/").status_code == 404


def test_a_pause_ends_with_one_click_of_who_may(client: WebClient, connection: Connection[Any]) -> None:
    OperatorRequestFactory.create(done_at=now())
    root, reader = Operator.logged_in(client, "root"), Operator.logged_in(client, "reader")
    waiting = "SELECT kind, requested_by FROM operator_requests WHERE done_at IS NULL"
    assert reader.click("/admin/", "/admin/resume/").status_code == 403
    assert root.forge("/admin/resume/", {}).status_code == 403, "without the form's token"
    assert root.get("/admin/resume/").status_code == 405
    assert connection.execute(waiting).fetchall() == []
    assert root.click("/admin/", "/admin/resume/").status_code == 200
    assert connection.execute(waiting).fetchall() == [("resume", "root")]


def test_what_is_asked_for_is_recorded_once_it_is_confirmed(client: WebClient, connection: Connection[Any]) -> None:
    root = Operator.logged_in(client, "root")
    count = "SELECT count(*) FROM operator_requests"
    assert b"nothing was asked for" in root.ask(kind="pause", confirmation="resume").content
    assert b"names no log" in root.ask(kind="quarantine", argument="0x1", confirmation="quarantine").content
    assert fetch_one(connection, count) == 0
    assert root.ask(kind="pause", confirmation="pause").status_code == 200
    row = connection.execute("SELECT kind, reason, requested_by, done_at FROM operator_requests").fetchone()
    assert row == ("pause", "to see", "root", None)


def test_who_may_not_ask_for_something_cannot(client: WebClient, connection: Connection[Any]) -> None:
    reader = Operator.logged_in(client, "reader")
    assert b"Select a valid choice" in reader.ask(kind="rebuild", confirmation="rebuild").content
    assert reader.ask(kind="audit", confirmation="audit").status_code == 200
    assert connection.execute("SELECT kind FROM operator_requests").fetchall() == [("audit",)]
    forged = {"kind": "audit", "confirmation": "audit", "reason": "x", "argument": ""}
    refused = requests.post(f"{client.url}/admin/indexer/operatorrequest/add/", data=forged, timeout=30)
    assert refused.status_code == 403, "without a CSRF token"
    assert fetch_one(connection, "SELECT count(*) FROM operator_requests") == 1


def test_who_guesses_passwords_is_locked_out(client: WebClient) -> None:
    answers = [Operator(client).log_in("root", f"guess {number}").status_code for number in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert Operator(client).log_in("root").status_code == 429, "the right password comes too late"


TOO_BROAD = """async () => {
  const found = {};
  for (const link of document.querySelectorAll("#nav-sidebar a[href^='/admin/indexer/']:not(.addlink)")) {
    const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
    document.getElementById("content").replaceWith(page.getElementById("content"));
    const list = document.querySelector("#changelist .results");
    if (list && list.scrollWidth > list.clientWidth) found[link.pathname] = list.scrollWidth - list.clientWidth;
  }
  return found;
}"""
"""Looks at each of the admin's lists in the place of the one that is shown."""


@needs_chromium
def test_lists_work_in_a_browser(chromium: Chromium, client: WebClient, connection: Connection[Any]) -> None:
    OperatorRequestFactory.create(done_at=now(), reason="a new disk", outcome="paused at block 150")
    AlarmFactory.create()
    note_incident(connection, IncidentKind.INTERRUPTED, "the node could not be reached " * 10)

    async def work() -> None:
        screen: Any = {"width": 1440, "height": 900}
        async with chromium.browse(client, "/admin/", viewport=screen) as page:
            await page.get_by_label("Username").fill("root")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            await page.get_by_role("link", name="Current positions").first.click()
            await page.locator("#searchbar").fill(PLAYER)
            await page.keyboard.press("Enter")
            await expect(page.locator("#result_list tbody tr")).to_have_count(1)
            await page.get_by_role("link", name="open").click()
            await page.get_by_role("link", name="all changes").click()
            await expect(page.locator("#result_list tbody tr")).not_to_have_count(0)
            await page.goto(f"{client.url}/admin/indexer/position/")
            await page.get_by_role("link", name="VAULT").click()
            levels = await page.locator("#result_list tbody td.field-shown_level").all_inner_texts()
            assert set(levels) == {"VAULT"}
            assert await page.evaluate(TOO_BROAD) == {}, "tables, and how many pixels too broad they are"

    chromium.run(work())


@needs_chromium
@needs_axe
def test_operators_who_see_or_point_otherwise_can_use_it(
    chromium: Chromium, client: WebClient, connection: Connection[Any]
) -> None:
    """Each kind of page, while something is wrong: it shows the most then. None is broader than a phone."""
    OperatorRequestFactory.create(done_at=now())
    AlarmFactory.create(message=f"block 6, tx 0x{'ab' * 32}, log 1: nobody to cull")
    row = fetch_one(connection, "SELECT id FROM current_positions LIMIT 1")
    event = fetch_one(connection, "SELECT '0x' || encode(tx_hash, 'hex') FROM chain_events ORDER BY id DESC LIMIT 1")
    paths = (
        *("", "runbook/IndexerPaused/", f"indexer/chainevent/?q={event}", "indexer/operatorrequest/"),
        *("indexer/operatorrequest/add/", f"indexer/currentposition/{row}/change/"),
    )

    async def work() -> None:
        phone: Any = {"width": 390, "height": 844}
        async with chromium.browse(client, "/admin/", bypass_csp=True, viewport=phone) as page:
            await page.get_by_label("Username").fill("root")
            await page.get_by_label("Password").fill(PASSWORD)
            await assert_accessible(page)
            await page.get_by_role("button", name="Log in").click()
            for path in paths:
                await page.goto(f"{client.url}/admin/{path}")
                assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
                await assert_accessible(page)

    chromium.run(work())


def test_lists_are_sorted_by_block_and_say_what_their_columns_are_in(unchanged: WebClient) -> None:
    root = Operator.logged_in(unchanged, "root")
    page = root.get("/admin/indexer/position/").content.decode()
    ascending = re.search(r'href="(\?o=[^"]+)">Block</a>', page)
    assert ascending is not None
    oldest = root.get(f"/admin/indexer/position/{ascending[1]}").content.decode()
    blocks = [int(text) for text in re.findall(r'field-block">(\d+)<', oldest)]
    assert blocks == sorted(blocks)
    assert blocks[0] < blocks[-1]
    assert "field-quantity_amount" in page, "aligned as numbers are"
    assert "field-shown_level" in page
    headings = re.sub(r"<[^>]+>", "", page)
    assert "Amount, DATA" in headings
    assert "Block time, UTC" in headings
    events = root.get("/admin/indexer/chainevent/?name=JackedIn").content.decode()
    assert re.search(r">user 0x\w{4}…\w{4}, level [A-Z ]+, amount [\d,]+\.\d{4}", events), (
        "arguments are worded, not dumped"
    )
    boosts = root.get("/admin/indexer/chainevent/?name=BoostApplied").content.decode()
    assert re.search(r"expiry \d{4}-\d\d-\d\dT[\d:]+Z.* boost type (death reduction|yield multiplier)", boosts)
