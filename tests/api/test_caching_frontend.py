"""The API's front: limits by client, origins, compression and refusals."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from ghostnet.http.clients import UNKNOWN_CLIENT, client_of
from ghostnet.http.edge import accepts_gzip, trusted_scope
from tests.api.answers import problem_of
from tests.api.paths import PATHS, PLAYER
from tests.databases import database_url
from tests.web import WebClient, web

STATUS = "/api/v1/status"


@pytest.fixture(scope="module")
def season_url(indexed_season: str, django_db_blocker: Any) -> str:
    with django_db_blocker.unblock():
        return database_url(indexed_season)


@pytest.fixture(scope="module")
def limited(season_url: str) -> Iterator[WebClient]:
    """A server behind one proxy that allows three requests a minute, and scripts of one origin."""
    variables = {
        "GHOSTNET_RATE_LIMIT": "3",
        "GHOSTNET_PROXIES": "1",
        "GHOSTNET_CORS_ORIGINS": "https://ghostnet.example",
    }
    with web(season_url, **variables) as server:
        yield server


def test_requests_of_a_client_are_limited_and_headers_show_what_is_left(limited: WebClient) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1"}
    answers = [limited.get(STATUS, headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert "requests" in problem_of(answers[3])["detail"]
    assert limited.get(STATUS, {"X-Forwarded-For": "192.0.2.2"}).status_code == 200


def test_an_address_that_a_client_forges_before_the_proxy_s_is_ignored(limited: WebClient) -> None:
    statuses = [limited.get(STATUS, {"X-Forwarded-For": f"198.51.100.{n}, 192.0.2.3"}).status_code for n in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_one_network_of_ipv6_is_one_client(limited: WebClient) -> None:
    statuses = [limited.get(STATUS, {"X-Forwarded-For": f"2001:db8::{n}"}).status_code for n in range(1, 5)]
    assert statuses == [200, 200, 200, 429]
    assert limited.get(STATUS, {"X-Forwarded-For": "2001:db8:0:1::1"}).status_code == 200


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("nobody", UNKNOWN_CLIENT),
        ("192.0.2.7:x", UNKNOWN_CLIENT),
    ],
)
def test_a_client_is_known_however_a_proxy_writes_its_address(said: str, client: str) -> None:
    assert client_of(trusted_scope({"headers": [(b"x-forwarded-for", said.encode())]}, 1)) == client


@pytest.mark.parametrize(
    ("proxies", "host"), [(0, "inside:8000"), (1, "ghostnet.example"), (2, "forged.example"), (3, "forged.example")]
)
def test_what_only_a_proxy_may_say_counts_from_proxies_only(proxies: int, host: str) -> None:
    said = {
        "host": "inside:8000",
        "x-forwarded-host": "forged.example, ghostnet.example",
        "x-forwarded-for": "192.0.2.1, 192.0.2.2",
        "x-forwarded-proto": "https",
        "x-forwarded-prefix": "/elsewhere",
        "x-real-ip": "192.0.2.3",
        "forwarded": "for=192.0.2.4",
    }
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    scope = trusted_scope({"headers": headers, "root_path": "/elsewhere", "client": ("192.0.2.9", 4711)}, proxies)
    assert scope["root_path"] == ""
    assert client_of(scope) == {1: "192.0.2.2", 2: "192.0.2.1"}.get(proxies, "192.0.2.9")
    assert dict(scope["headers"]) == {b"host": host.encode()} | ({b"x-forwarded-proto": b"https"} if proxies else {})


def test_a_root_path_that_a_client_sends_is_ignored(limited: WebClient) -> None:
    headers = {"X-Forwarded-For": "192.0.2.21", "Daphne-Root-Path": "/elsewhere"}
    assert [limited.get(STATUS, headers).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert limited.get(f"/elsewhere{STATUS}", headers).status_code == 404


def test_without_proxies_the_header_is_ignored(season_url: str) -> None:
    with web(season_url, GHOSTNET_RATE_LIMIT="2") as server:
        statuses = [server.get(STATUS, {"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)]
    assert statuses == [200, 200, 429]


def test_scripts_of_allowed_origins_may_read_answers_and_their_headers(limited: WebClient) -> None:
    proxy = {"X-Forwarded-For": "192.0.2.9"}
    answer = limited.get(STATUS, {"Origin": "https://ghostnet.example", **proxy})
    assert answer["Access-Control-Allow-Origin"] == "https://ghostnet.example"
    exposed = {name.strip() for name in answer["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"ETag", "X-Indexed-Block", "X-Indexed-At", "RateLimit-Remaining", "Retry-After"}
    assert "Access-Control-Allow-Origin" not in limited.get(STATUS, {"Origin": "https://evil.example", **proxy}).headers
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    preflight = limited.request("OPTIONS", STATUS, {"Origin": "https://ghostnet.example", **asked})
    assert preflight.status_code == 200
    assert "GET" in preflight["Access-Control-Allow-Methods"]
    assert limited.request("OPTIONS", STATUS, {"Origin": "https://evil.example", **asked}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_only_get_is_allowed(client: WebClient, method: str) -> None:
    answer = client.request(method, STATUS)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert problem_of(answer)["detail"] == "only GET and HEAD are allowed"


@pytest.mark.parametrize(
    "path",
    [
        *(f"/api/v1{path}" for path in PATHS),
        "/api/v1/openapi.json",
        "/api/v1/docs",
        "/",
        f"/player/{PLAYER}",
        f"/player/{PLAYER}?part=board",
        "/scan/5/1",
        "/admin/login/",
        "/health/live",
        "/metrics",
        "/static/ghostnet/live.js",
        "/nothing",
    ],
)
def test_head_is_get_without_the_body(client: WebClient, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}  # of a random length where it is compressed
    got, head = client.get(path, plain), client.request("HEAD", path, plain)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers.get("ETag") == got.headers.get("ETag")
    assert head.headers.get("Content-Type") == got.headers.get("Content-Type")
    if path != "/metrics" and "csrftoken" not in got.headers.get("Set-Cookie", ""):
        assert head.headers.get("Content-Length") == got.headers.get("Content-Length")
    assert client.get(STATUS).status_code == 200, "no byte of a body stands before the next answer"


@pytest.mark.parametrize(
    "path", ["/api/v1/statuss", "/api/v1/", "/api/v2/status", "/api/v1/status/", "/api/v1/scans/5"]
)
def test_an_unknown_path_is_a_404_that_names_the_documents(client: WebClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "/api/v1/docs" in problem_of(answer)["detail"]


@pytest.mark.parametrize("path", ["/api/v1/rounds/99999", "/api/v1/scans/5/99999"])
def test_what_does_not_exist_is_not_there_as_of_a_block(client: WebClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["X-Indexed-Block"]) == (404, "1007")


def test_a_body_is_read_away_but_not_more_than_a_mebibyte(client: WebClient) -> None:
    assert client.request("GET", STATUS, data=b"x" * (1 << 20)).status_code == 200
    answer = client.request("GET", STATUS, data=b"x" * ((1 << 20) + 1))
    assert answer.status_code == 413
    assert problem_of(answer)["detail"] == "a body may have 1048576 bytes, that of a POST 131072"
    for path in (STATUS, "/admin/login/"):
        assert client.request("POST", path, data=b"x" * ((128 << 10) + 1)).status_code == 413
    assert client.request("POST", STATUS, data=b"x" * (128 << 10)).status_code == 405


@pytest.mark.parametrize(
    ("length", "status"), [("Content-Length: 1610612736", b"413"), ("Transfer-Encoding: chunked", b"411")]
)
def test_a_body_that_is_too_large_is_refused_before_it_has_come(client: WebClient, length: str, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", client.port or 0), timeout=30) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{length}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 " + status
        with suppress(ConnectionError):
            for _ in range(64):  # what is sent on is dropped, and soon refused
                connection.sendall(b"x" * (1 << 20))
            pytest.fail("64 MiB were taken")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET {STATUS}?{'a' * 16_400} HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (f"GET {STATUS}?{'a' * 60_000}", 431),
        (f"GET {STATUS} HTTP/1.1\r\nHost: localhost\r\n" + "X-Long: yes\r\n" * 2_000 + "\r\n", 431),
        ("hello\r\n\r\n", 400),
        (f"GET {STATUS} HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (f"GET {STATUS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n", 400),
        (f"GET {STATUS}?{'a&' * 100} HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        ("GET /ws HTTP/1.0\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n", 400),
    ],
    ids=[
        "long address",
        "endless address",
        "long headers",
        "no HTTP",
        "no header",
        "no length",
        "parameters",
        "socket of HTTP/1.0",
    ],
)
def test_what_cannot_be_read_as_a_request_is_refused_with_a_reason(client: WebClient, sent: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", client.port or 0), timeout=30) as connection:
        connection.sendall(sent.encode())
        answer = b""
        while not answer.endswith(b"}"):
            chunk = connection.recv(65_536)
            assert chunk, answer
            answer += chunk
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


def test_answers_are_compressed_for_who_wants_it_and_only_then(client: WebClient) -> None:
    def raw(encoding: str) -> tuple[str, bytes]:
        with socket.create_connection(("127.0.0.1", client.port or 0)) as connection:
            request = f"GET /api/v1/positions HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\n\r\n"
            connection.sendall(request.encode())
            head, body = b"".join(iter(lambda: connection.recv(65_536), b"")).split(b"\r\n\r\n", 1)
        return head.decode(), body

    for _ in range(2):
        head, body = raw("gzip")
        assert "Content-Encoding: gzip" in head
        plain_head, plain = raw("identity")
        assert "Content-Encoding" not in plain_head
        assert len(body) < len(plain) / 2
        assert json.loads(gzip.decompress(body)) == json.loads(plain)


@pytest.mark.parametrize(
    ("header", "compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("gzip; q=0.001", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; Q=0.000, *", False),
        ("gzip;q=0, deflate", False),
        ("*;q=0", False),
        ("xgzip, br", False),
        ("gzip;q=1.1.1", False),
    ],
)
def test_gzip_is_accepted_by_its_weight(header: str, compressed: bool) -> None:
    assert accepts_gzip(header) == compressed


@pytest.mark.parametrize("path", ["/api/v1/positions", "/", "/scan/5/1", "/api/v1/openapi.json"])
def test_who_refuses_gzip_gets_none(client: WebClient, path: str) -> None:
    assert client.get(path, {"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"
    for refusal in ("gzip;q=0", "identity, gzip; q=0.0"):
        assert "Content-Encoding" not in client.get(path, {"Accept-Encoding": refusal}).headers


def test_a_compressed_answer_is_known_by_its_tag_too(client: WebClient) -> None:
    tag = client.get("/api/v1/positions", {"Accept-Encoding": "gzip"})["ETag"]
    plain = client.get("/api/v1/positions", {"Accept-Encoding": "identity"})["ETag"]
    for known in (tag, plain, "*", f'"other", {tag}'):
        assert client.get("/api/v1/positions", {"If-None-Match": known}).status_code == 304
    assert client.get("/api/v1/positions", {"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/api/v1/positions", {"If-None-Match": '"other",' * 1_000 + tag}).status_code == 304


def test_a_database_that_is_away_is_a_503(django_db_blocker: Any, season_url: str) -> None:
    with web(season_url.replace("ghostnet_", "nowhere_")) as server:
        answer = server.get(STATUS)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert problem_of(answer)["detail"] == "the database is away"


def test_the_documents_need_nothing_from_elsewhere(client: WebClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "cdn" not in text
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-init.js"):
        assert client.get(f"/static/ninja/{part}").status_code == 200, part
        assert part in text


def test_the_document_has_one_answer_for_all(client: WebClient) -> None:
    answer = client.get("/api/v1/openapi.json?n=1")
    assert answer.status_code == 422
    assert problem_of(answer)["errors"] == [{"parameter": "n", "message": "there is no such parameter"}]
    tag = client.get("/api/v1/openapi.json")["ETag"]
    assert client.get("/api/v1/openapi.json", {"If-None-Match": tag}).status_code == 304


def test_requests_that_mean_the_same_share_an_answer(client: WebClient) -> None:
    client.await_sharing("/api/v1/positions?level=4&limit=7&status=alive")
    player = client.get(f"/api/v1/positions/{PLAYER}").content
    before = client.counted("cache_hits_total")
    for query in (
        "status=alive&limit=7&level=4",
        "limit=7&level=%34&status=alive",
        "min_block=3&level=4&limit=7&status=alive",
    ):
        assert client.get(f"/api/v1/positions?{query}").status_code == 200
    assert client.get(f"/api/v1/positions/{PLAYER.upper()}").content == player
    assert client.counted("cache_hits_total") == before + 4


@pytest.mark.parametrize("more", ["", "Origin: http://localhost\r\n", "If-None-Match: *\r\n"])
@pytest.mark.parametrize("path", ["/api/v1/positions?limit=3&min_block=3", f"/api/v1/positions/{PLAYER.lower()}"])
def test_an_answer_is_the_same_at_once_and_in_its_turn(client: WebClient, path: str, more: str) -> None:
    client.await_sharing(path)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: same\r\n{more}"
    with socket.create_connection(("127.0.0.1", client.port or 0), timeout=30) as connection:
        # One before which another has come is not answered at once, the last one is.
        connection.sendall(f"{request}\r\n{request}Connection: close\r\n\r\n".encode())
        answers = b"".join(iter(lambda: connection.recv(65_536), b"")).decode().split("HTTP/1.1 ")[1:]
    in_turn, at_once = (answer.lower().split("\r\n") for answer in answers)
    assert sorted([*in_turn, "connection: close"]) == sorted(at_once)


def test_a_hundred_requests_of_one_address_at_once_keep_nobody_waiting_for_all_of_them(client: WebClient) -> None:
    """They are there before another address's request, and that is answered before the last of them."""
    request = f"GET /api/v1/positions/{PLAYER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def dial(address: str) -> socket.socket:
        return stack.enter_context(
            socket.create_connection(("127.0.0.1", client.port or 0), timeout=30, source_address=(address, 0))
        )

    with ExitStack() as stack:
        many, other = [dial("127.0.0.5") for _ in range(100)], dial("127.0.0.6")
        for connection in [
            *many,
            other,
        ]:  # once it is answered it is one of the server's, and not of the kernel's queue
            connection.sendall(request)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        before = client.counted("api_requests_total")
        client.freeze()
        for connection in many:
            connection.sendall(request)
        other.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        client.thaw()
        page = b""
        while chunk := other.recv(65_536):
            page += chunk
        assert all(connection.recv(65_536).startswith(b"HTTP/1.1 200") for connection in many)
    counts = [float(line.split()[-1]) for line in page.decode().splitlines() if line.startswith("api_requests_total{")]
    assert sum(counts) - before < len(many)
