"""The demo, as a user runs it: it shows the chain moving, and leaves nothing running."""

import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ghostnet.demo.demo import FIRST_HEAD, FRONTEND, Demo, DemoRunning, WebPortTaken
from tests.demos import await_opened, demo, free_port, indexed_block


def processes_with(text: str) -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if text in line]


def test_it_shows_the_chain_moving_and_ctrl_c_ends_everything() -> None:
    port = free_port()
    with demo(port, "--speed", "10") as (process, data):
        said = await_opened(process, port)
        first = indexed_block(port)
        assert first >= FIRST_HEAD, "the page is whole as soon as it is to be opened"
        status = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/status", headers={"Origin": FRONTEND})
        with urllib.request.urlopen(status, timeout=30) as response:
            assert response.headers["Access-Control-Allow-Origin"] == FRONTEND == "http://localhost:5173"
        with pytest.raises(DemoRunning, match="a demo is running"):
            Demo(data, free_port(), 1.0, print).run(threading.Event())
        deadline = time.monotonic() + 100
        while indexed_block(port) <= first:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert "Traceback" not in said + output
        assert indexed_block(port) == 0
        assert processes_with(str(data)) == []


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WebPortTaken, match=rf"port {port} is taken(.|\n)*--port"):
            Demo(tmp_path / "data", port, 1.0, print).run(threading.Event())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("speed", ["0", "fast", "nan", "-1"])
def test_a_speed_that_is_none_is_refused(speed: str) -> None:
    with pytest.raises(CommandError, match="is not a number from"):
        call_command("demo", "--speed", speed)
