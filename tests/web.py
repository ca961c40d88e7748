"""The web server as a process of its own, and a client that talks to it."""

import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.forks import Fork
from tests.processes import await_true, environment_of

NO_NODE = "http://127.0.0.1:9"


class Answer:
    """An answer with the interface of Django's test client."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self.status_code = response.status_code
        self.reason = response.reason
        self.content = response.content
        self.headers = response.headers

    def __getitem__(self, header: str) -> str:
        return self.headers[header]

    def json(self) -> Any:
        return self._response.json()


class WebClient:
    """Asks one web server; a connection is kept."""

    def __init__(self, url: str, serve: Callable[[], Fork] | None = None) -> None:
        self.url = url
        self._serve = serve
        self._process: Fork | None = None
        self.port = urlsplit(url).port
        self._session = requests.Session()
        self._session.trust_env = False  # else the environment's proxies are looked up for each request

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, data: Any = None) -> Answer:
        return Answer(self._session.request(method, self.url + path, headers=headers, data=data, timeout=30))

    def counted(self, counter: str) -> int:
        """The value of a counter of `/metrics`, summed over all labels."""
        lines = self.get("/metrics").content.decode().splitlines()
        assert f"# TYPE {counter} counter" in lines, f"there is no {counter}"
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith((f"{counter} ", f"{counter}{{")))

    def await_sharing(self, path: str) -> None:
        """Wait until the server shares answers; just started, it does not yet know the last block."""

        def is_shared() -> bool:
            before = self.counted("cache_hits_total")
            self.get(path)
            return self.counted("cache_hits_total") > before

        await_true(is_shared, "the server shares no answers")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        assert self._serve is not None
        process = self._process = self._serve()
        deadline = time.monotonic() + 30
        while not self._answers():
            assert process.poll() is None, "the web server ended, see above"
            assert time.monotonic() < deadline, "the web server did not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.get("/health/live").status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """Ask the server to stop, as an orchestrator does."""
        assert self._process is not None
        self._process.terminate()

    def await_end(self) -> None:
        """Wait until the server has ended."""
        assert self._process is not None
        self._process.wait(timeout=30)

    def freeze(self) -> None:
        """Stop the server's process until `thaw`; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@contextmanager
def web(database: str, node: str = NO_NODE, ping: str = "20", **variables: str) -> Iterator[WebClient]:
    """`daphne` on a database, with these environment variables, until the block ends; sockets are pinged every `ping`
    seconds, and closed after twice as many without an answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "daphne", "--ping-interval", ping, "--ping-timeout", str(2 * int(ping)), "-p", str(port)]
    settings = {"GHOSTNET_RATE_LIMIT": "0", "DJANGO_DEBUG": "false", "GHOSTNET_HTTPS": "false"} | SECRET | variables

    def serve() -> Fork:
        arguments = [*command, "--verbosity", "0", "ghostnet.asgi:application"]
        return Fork(arguments, environment_of(database, node, **settings), quiet=True)

    client = WebClient(f"http://127.0.0.1:{port}", serve)
    try:
        client.start()
        yield client
    finally:
        client.kill()


SECRET = {"DJANGO_SECRET_KEY": "for tests only, for tests only, for tests only, for tests"}
