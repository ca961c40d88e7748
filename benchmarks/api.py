"""Measure the API's requests per second and latency with wrk: `python -m benchmarks.api [--server uvicorn]`.

Reads the database that `DATABASE_URL` names; `wrk` must be installed. Each second there is a commit, as on the live
chain, which changes nothing but the revision: what is asked for the first time after it is computed.
"""

import argparse
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.setup import set_up

SCRIPT = """
local players = {{}}
for line in io.lines("{players}") do players[#players + 1] = line end
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/api/v1/positions/" .. players[n % math.min({most}, #players) + 1])
end
"""
COMMIT_SECONDS = 1.0
SERVERS = {
    "daphne": ["-m", "daphne", "--verbosity", "0", "-p", "{port}", "ghostnet.asgi:application"],
    "uvicorn": [
        "-m",
        "uvicorn",
        "--no-access-log",
        "--lifespan",
        "off",
        "--port",
        "{port}",
        "ghostnet.asgi:application",
    ],
}


def players() -> list[str]:
    """The addresses of all players, lower-case hex."""
    from indexer.models import CurrentPosition

    return [str(address) for address in CurrentPosition.objects.values_list("address", flat=True)]


def commit_often(stop: threading.Event) -> None:
    """Send the notification of a commit each second, until `stop` is set."""
    from indexer.store.checkpoint import HEAD_CHANNEL
    from indexer.store.database import connect

    with connect() as connection:
        while not stop.wait(COMMIT_SECONDS):
            connection.execute(
                "WITH moved AS (UPDATE checkpoints SET revision = revision + 1 RETURNING block_number)"
                " SELECT pg_notify(%s, block_number::text) FROM moved",
                (HEAD_CHANNEL,),
            )


def run(url: str, seconds: int, connections: int, script: Path | None) -> str:
    """Run wrk for so many seconds; return a line with requests a second, median, p99, and answers other than 200."""
    scripted = ["-s", str(script)] if script else []
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *scripted, url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (rate,) = re.findall(r"Requests/sec:\s+(\S+)", text)
    (half,), (most,) = (re.findall(rf"^\s+{percent}%\s+(\S+)", text, re.MULTILINE) for percent in (50, 99))
    bad = re.findall(r"Non-2xx or 3xx responses: \d+", text)
    return " ".join([f"{float(rate):8,.0f}/s  p50 {half:>8}  p99 {most:>8}", *bad])


def main() -> None:
    """Start a server, send it requests to warm up, and print a line per case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", choices=SERVERS, default="daphne")
    parser.add_argument("--seconds", type=int, default=8)
    options = parser.parse_args()
    set_up(GHOSTNET_RATE_LIMIT="0")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    base = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, *(part.format(port=port) for part in SERVERS[options.server])])
    stop = threading.Event()
    commits = threading.Thread(target=commit_often, args=(stop,))
    commits.start()
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{base}/api/v1/status")
                break
            except OSError:
                time.sleep(0.1)
        measure(base, options.seconds)
    finally:
        stop.set()
        commits.join()
        server.terminate()
        server.wait()


def measure(base: str, seconds: int) -> None:
    """Print a line per case: positions of more players than a second asks for, of ten, and shared answers."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "players"
        listed.write_text("\n".join(players()))

        def script(most: int) -> Path:
            path = Path(folder) / f"{most}.lua"
            path.write_text(SCRIPT.format(players=listed, most=most))
            return path

        everybody, few = script(1_000_000), script(10)
        run(base, 3, 10, everybody)
        for connections in (10, 50):
            cases: dict[str, tuple[str, Path | None]] = {
                "position, computed": (base, everybody),
                "position, repeated": (base, few),
            }
            for path in ("network", "stats", "leaderboard/streak?limit=100", "leaderboard/earnings?limit=100"):
                cases[path] = (f"{base}/api/v1/{path}", None)
            for name, (url, requests) in cases.items():
                print(f"{name:30} {connections:3} connections {run(url, seconds, connections, requests)}", flush=True)


if __name__ == "__main__":
    main()
