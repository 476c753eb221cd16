"""The explorer's page, built once for all test processes, and the browser that opens it."""

import re
import shutil
from pathlib import Path

import pytest

from pat_server.commands.node import suits
from pat_server.commands.web_build import Build
from pat_server.web import SOURCES, BuildState, Web

NO_NETWORK = re.compile(r"E(?:AI_AGAIN|NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH)")
# As pip and uv say it.
NO_INDEX = re.compile(
    r"NewConnectionError|ConnectTimeoutError|ProxyError|[Nn]ame resolution|dns error|error sending request|tcp connect error"
)


def built_page() -> Web:
    """The page of this checkout, as its sources are now. Skips the test where it cannot be built; fails if it should be."""
    node = shutil.which("node")
    if not (node and suits(node) and shutil.which("npm")):
        pytest.skip("Node.js with npm is not on the PATH")
    web = Web(SOURCES / "dist", SOURCES / ".build")
    build = Build(web, SOURCES)
    build.start()
    build.wait()
    if web.failure.is_file():
        log = (SOURCES / ".build" / "log").read_text()
        if NO_NETWORK.search(log):
            pytest.skip("no package index to install the explorer's packages from")
        pytest.fail(f"{web.failure.read_text()}\n{log[-4000:]}")
    assert web.state() is BuildState.BUILT
    return web


def chromium() -> str:
    """The path of Chromium. Skips the test where there is none."""
    for name in ("chromium", "chromium-browser"):
        if found := shutil.which(name):
            return str(Path(found))
    pytest.skip("Chromium is not installed (Debian: apt install chromium)")
