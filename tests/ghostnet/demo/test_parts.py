"""Processes that belong together: they report that they are ready, and none is left running."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ghostnet.demo.parts import Parts, PartStopped
from tests.paths import PROJECT

SLEEP = "import os, time; print('READY', os.getpid(), flush=True); time.sleep(100)"
PARENT = f"""
import time
from pathlib import Path
from ghostnet.demo.parts import Parts
parts = Parts(Path("."), str)
parts.start("sleeper", ["-c", {SLEEP!r}], {{}})
print("child", parts.await_ready().split()[1], flush=True)
time.sleep(100)
"""


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{process_id}/stat").exists() or ") Z " not in Path(f"/proc/{process_id}/stat").read_text()


def await_end(process_id: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(process_id):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_parts_end_with_their_parent_however_it_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = next(int(line.split()[1]) for line in parent.stdout if line.startswith("child"))
        assert is_running(child)
        parent.kill()
        await_end(child)


def test_parts_are_stopped_and_their_lines_printed(tmp_path: Path) -> None:
    lines: list[str] = []
    parts = Parts(tmp_path, lines.append)
    parts.start("sleeper", ["-c", SLEEP], {})
    child = int(parts.await_ready().split()[1])
    parts.check()
    parts.stop()
    assert not is_running(child)
    assert lines == [f"[sleeper] READY {child}"]


def test_a_part_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    parts = Parts(tmp_path, print)
    parts.start("one", ["-c", "import sys; sys.exit(3)"], {})
    with pytest.raises(PartStopped, match="the one ended with exit code 3"):
        parts.await_ready()
    parts.stop()
