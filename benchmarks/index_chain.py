"""Measure how fast a recording is indexed from a replay node into a fresh embedded database.

`make bench RECORDING=path/to/recording.jsonl.gz ARGS="--runs 3 --node '--foreign 1000'"`: what follows `--node` are
options of `manage.py replay_chain`, which play a busy chain. Calls by method and bytes are those that the node counted.
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ghostnet.database.embedded import EmbeddedPostgres
from ghostnet.environment import PROJECT

TICKS = os.sysconf("SC_CLK_TCK")


def database_cpu(postmaster: int) -> float | None:
    """CPU seconds that the database server and its processes have used; None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        if int(stat.parent.name) == postmaster:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            total += sum(map(int, fields[11:13]))
    return total / TICKS


def node_statistics(url: str) -> dict[str, Any]:
    """What the replay node has counted: calls, bytes sent, and calls by method."""
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "replay_status", "params": []}'
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        result: dict[str, Any] = json.load(answer)["result"]
    return result


def run_once(recording: Path, folder: Path, node_options: Sequence[str]) -> dict[str, Any]:
    """Index once into a fresh database; return seconds by stage, CPU seconds, logs, peak memory in MB, and the node's
    counters."""
    server = EmbeddedPostgres(folder)
    server.ensure_running()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "GHOSTNET_DATA_DIR": str(folder),
        "GHOSTNET_LOG_LEVEL": "WARNING",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=PROJECT, env=environment, check=True)
    node = subprocess.Popen(
        [sys.executable, "manage.py", "replay_chain", str(recording.absolute()), "--port", "0", *node_options],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert node.stdout is not None
        ready = node.stdout.readline().split()
        environment["GHOSTNET_RPC_URLS"] = ready[1]
        postmaster = int((server.data / "postmaster.pid").read_text().splitlines()[0])
        database_before = database_cpu(postmaster)
        indexer = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stages", "index_chain", "--until-head"],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert indexer.stdout is not None
        said = indexer.stdout.read()
        _, status, usage = os.wait4(indexer.pid, 0)
        if status:
            raise SystemExit("indexing failed; see above")
        database_after = database_cpu(postmaster)
        statistics = node_statistics(ready[1])
    finally:
        node.terminate()
        node.wait()
        server.stop()
    figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    figures["logs"] = float(ready[-1])
    if database_before is not None and database_after is not None:
        figures["database CPU"] = database_after - database_before
    return figures | _costs(usage, statistics)


def _costs(usage: resource.struct_rusage, statistics: dict[str, Any]) -> dict[str, Any]:
    """The indexer's CPU seconds and memory, and the node's calls and bytes, by the names under which they are shown."""
    per_megabyte = 1 << 20 if sys.platform == "darwin" else 1 << 10
    methods = sorted(statistics["methods"].items())
    return {
        "indexer CPU": usage.ru_utime + usage.ru_stime,
        "peak memory of the indexer, MB": usage.ru_maxrss / per_megabyte,
        "calls": statistics["calls"],
        "bytes received, MB": statistics["bytes"] / 1e6,
        **{f"  {method}": count for method, count in methods if "replay" not in method},
    }


def main() -> None:
    """Run as often as asked for, and print each run's figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--node", default="", help="options of manage.py replay_chain, as one word")
    options = parser.parse_args()
    for _ in range(options.runs):
        folder = Path(tempfile.mkdtemp(prefix="ghostnet-bench-"))
        folder.chmod(0o755)
        try:
            figures = run_once(options.recording, folder / "data", shlex.split(options.node))
        finally:
            shutil.rmtree(folder)
        whole = figures["start-up"] + figures["all, without start-up"]
        print(f"{figures['logs']:,.0f} logs in {whole:.2f} s: {figures['logs'] / whole:,.0f} logs/s end to end,")
        print(f"  {figures['logs'] / figures['all, without start-up']:,.0f} logs/s without the interpreter's start")
        for name, value in figures.items():
            if name != "logs":
                print(f"  {name:32} {value:8.2f}")


if __name__ == "__main__":
    main()
