"""The programs of this folder: installed once from their locks, then run against a server."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
BUILD = ROOT / "build" / "conformance"
UV = ROOT / ".tools" / "uv" / "bin"
OLDEST_NODE = 20
INSTALL_SECONDS = 300
RUN_SECONDS = 60


def run_node(program: str, *arguments: str, **environment: str) -> Any:
    """What a program of this folder prints, which is JSON. Skips the test where there is no Node."""
    told = _output([installed_node(), program, *arguments], environment=environment)
    return json.loads(told) if told else None


def installed_node() -> str:
    """Node's own path, once the packages of this folder are installed. Skips the test where there is no Node."""
    node = _node()
    _once("node", FOLDER / "package-lock.json", _install_packages)
    return node


def run_python(program: str, *arguments: str, **environment: str) -> Any:
    """What a Python program of this folder prints, which is JSON, run beside the packages of ``python.txt``."""
    python = _once("python", FOLDER / "python.txt", _install_python) / "bin" / "python"
    return json.loads(_output([str(python), program, *arguments], environment=environment))


def _node() -> str:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip(f"no Node.js: install Node {OLDEST_NODE} or newer with npm, and put it on the PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js {version.strip()} is too old: install {OLDEST_NODE} or newer")
    return node


def _install_packages(_: Path) -> None:
    # What packages would run while they are installed is not needed, and so not run.
    _output(["npm", "ci", "--ignore-scripts", "--loglevel=error"], seconds=INSTALL_SECONDS)


def _install_python(place: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=UV)
    lock = str(FOLDER / "python.txt")
    if uv:
        _output([uv, "venv", "--quiet", "--python", sys.executable, str(place)], seconds=INSTALL_SECONDS)
        install = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python")]
    else:
        _output([sys.executable, "-m", "venv", str(place)], seconds=INSTALL_SECONDS)
        install = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    _output([*install, "--require-hashes", "-r", lock], seconds=INSTALL_SECONDS)


def _once(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """The folder into which a lock was installed: by whoever comes first, and again when the lock has changed."""
    place = BUILD / name
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    with _alone(name):
        done = BUILD / f"{name}.installed"
        if not done.exists() or done.read_text() != wanted or not _is_there(name):
            shutil.rmtree(place, ignore_errors=True)
            install(place)
            done.write_text(wanted)
    return place


def _is_there(name: str) -> bool:
    return (FOLDER / "node_modules" if name == "node" else BUILD / name).exists()


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold a lock against the other test processes."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _output(
    command: list[str], *, seconds: float = RUN_SECONDS, environment: Mapping[str, str] | None = None
) -> str:
    """What a command prints in this folder; its errors are the test's if it fails."""
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
