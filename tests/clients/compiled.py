"""The TypeScript client as JavaScript, with the page of docs/frontend.md, and Node to run it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import PROJECT

CLIENT = PROJECT / "clients" / "typescript"
TOOLS = PROJECT / ".ci" / "npm" / "openapi" / "node_modules" / ".bin"
NODE = shutil.which("node")
needs_types = pytest.mark.skipif(
    NODE is None or not (TOOLS / "openapi-typescript").exists(),
    reason="there is no node, or no openapi-typescript: .ci/run installs it where there is npm",
)
needs_compiler = pytest.mark.skipif(
    NODE is None or not (TOOLS / "tsc").exists(),
    reason="there is no node, or no typescript: .ci/run installs it where there is npm",
)
PAGE = PROJECT / "docs" / "frontend.md"


def page_code(language: str) -> str:
    """The one block of docs/frontend.md in a language."""
    (found,) = re.findall(rf"```{language}\n(.+?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def compile_client(folder: Path) -> Path:
    """Compile the client with its example, and the page beside it, by all the strict rules; where the result is."""
    source = folder / "source"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("dist", "node_modules"))
    (source / "examples" / "page.ts").write_text(page_code("ts"))
    done = subprocess.run(
        [TOOLS / "tsc", "-p", source, "--outDir", folder / "dist"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    (folder / "dist" / "package.json").write_text('{"type": "module"}')
    return folder / "dist"


def node(script: Path, *arguments: object) -> list[str]:
    """The command that runs a script; Node 20 has WebSockets, but hides them."""
    assert NODE is not None
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    options = ["--experimental-websocket"] if int(version.lstrip("v").partition(".")[0]) < 22 else []
    return [NODE, *options, str(script), *map(str, arguments)]
