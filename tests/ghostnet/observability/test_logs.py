"""What operators read: lines that name the request and the block, and never a password or key."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from psycopg import Connection

from ghostnet.observability.logs import Formatter
from indexer.base.redaction import Mask
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.paths import PROJECT
from tests.processes import environment_of, indexer
from tests.web import NO_NODE, SECRET, web

KEY = "k3y-of-a-provider"


@contextmanager
def listener(answer: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """An HTTP server that answers everything alike: its address, and the bodies that came."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str) -> None:
    raise ValueError(f"no node at {url}")


def record(message: str, **extra: Any) -> logging.LogRecord:
    return logging.getLogger("test").makeRecord("test", logging.WARNING, __file__, 1, message, (), None, extra=extra)


@pytest.mark.parametrize(
    "said",
    [
        f"GET https://node.example/v2/{KEY} failed",
        f"wss://node.example/?apikey={KEY} isn't a valid URI",
        f"connecting to postgres://ghostnet:{KEY}@db:5432/ghostnet",
        f"connection failed: host=db user=ghostnet password={KEY} dbname=ghostnet",
        "password='of the database' is wrong",
        "iggy://iggy:iggy@broker:8090 is away",
        "p@ss of a wallet",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(said: str) -> None:
    mask = Mask(
        [f"https://node.example/v2/{KEY}", f"wss://node.example/?apikey={KEY}", "http://:p%40ss of a wallet@node"]
    )
    hidden = mask(said)
    assert "***" in hidden
    for secret in (KEY, "of the database", "iggy:iggy", "p@ss"):
        assert secret not in hidden


def test_words_that_are_no_secrets_stay() -> None:
    mask = Mask(["http://127.0.0.1:8545", "postgres://ghostnet@db/ghostnet", "iggy://iggy:iggy@broker:8090"])
    said = "node 127.0.0.1:8545 of ghostnet: iggy broker:8090 https://docs.example/a"
    assert mask(said) == said


def test_a_key_is_neither_logged_nor_stored_when_the_node_repeats_it(
    connection: Connection[Any], database: str
) -> None:
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": f"project {KEY} is suspended"}}
    with (
        listener(json.dumps(refusal).encode()) as (url, bodies),
        indexer(database, f"{url}/v2/{KEY}") as process,
    ):
        _, said = process.communicate(timeout=60)
    assert bodies
    assert process.returncode == 1
    assert "project *** is suspended" in said
    assert KEY not in said


def test_a_line_for_machines_names_its_request_and_what_it_is_about(database: str) -> None:
    program = """
import ghostnet.asgi, logging
from asgi_correlation_id import correlation_id
correlation_id.set("r-1")
logging.getLogger("test").warning("reorg", extra={"block": 7, "event_id": 12})
"""
    environment = environment_of(database, NO_NODE, GHOSTNET_LOG_FORMAT="json", **SECRET)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "test",
        "message": "reorg",
        "block": 7,
        "event_id": 12,
        "request_id": "r-1",
    }


def test_what_ends_a_thread_is_logged_without_its_secrets(database: str) -> None:
    program = f"""
import django, threading
django.setup()
def fail():
    raise ValueError("no node at https://node.example/{KEY}")
thread = threading.Thread(target=fail, name="relay")
thread.start()
thread.join()
"""
    environment = environment_of(database, f"https://node.example/{KEY}", GHOSTNET_LOG_FORMAT="json")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert line["message"] == "ValueError ended relay"
    assert "https://node.example/***" in line["exception"]
    assert KEY not in done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_failure_is_logged_with_its_place_and_without_its_secrets(*, as_json: bool) -> None:
    broken = record("it failed")
    try:
        ask(f"https://node.example/{KEY}")
    except ValueError:
        broken.exc_info = sys.exc_info()
    text = Formatter(Mask([f"https://node.example/{KEY}"]), json=as_json).format(broken)
    assert "test_logs.py" in text
    assert "no node at https://node.example/***" in text


def test_an_answer_names_its_request_and_takes_no_forged_one(database: str) -> None:
    with web(database) as client:
        for path in ("/api/v1/stats", "/health/live", "/"):
            assert client.get(path, {"X-Request-ID": "proxy-17"})["X-Request-ID"] == "proxy-17"
            forged = client.get(path, {"X-Request-ID": 'x" level=critical'})["X-Request-ID"]
            assert len(forged) == 32
            assert client.get(path)["X-Request-ID"] != client.get(path)["X-Request-ID"]


def test_spans_go_to_the_collector(connection: Connection[Any], database: str, season: list[RecordedBlock]) -> None:
    with listener() as (url, bodies), ReplayServer(season[:50]) as node:
        with indexer(database, node.url, "--until-head", OTEL_EXPORTER_OTLP_ENDPOINT=url) as process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        with web(database, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="50") as client:
            assert client.get("/api/v1/stats").status_code == 200
            client.stop()
            client.await_end()
    spans = [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert {span.name for span in spans} >= {"apply", "commit", "answer"}
    committed = [span for span in spans if span.name == "commit"]
    assert max(attribute.value.int_value for span in committed for attribute in span.attributes) == 49
    paths = {attribute.value.string_value for span in spans if span.name == "answer" for attribute in span.attributes}
    assert paths == {"/api/v1/stats"}
