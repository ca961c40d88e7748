"""The API as Node's `fetch` reads it, which rejects some answers that browsers and curl accept."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.paths import PATHS
from tests.web import WebClient

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="there is no node (nodejs.org)")
def test_node_fetches_every_documented_path(client: WebClient) -> None:
    urls = [f"{client.url}/api/v1{path}" for path in [*PATHS, "/openapi.json"]]
    done = subprocess.run(
        [str(NODE), str(Path(__file__).with_name("fetch_all.mjs"))],
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [status for status, _ in found] == [200] * len(urls)
    assert sum(encoding == "gzip" for _, encoding in found) > 10
