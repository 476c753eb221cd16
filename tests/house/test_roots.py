"""Every code folder at the top is a source root: it holds one package, and shadows nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = ("server", "schema", "tenants", "auth", "platform")


@pytest.mark.parametrize("folder", ROOTS)
def test_a_source_root_holds_one_package_and_nothing_else(folder: str) -> None:
    # The schema as text, now and at the last release, is what partners read first: it lies where they look.
    # The schema as text, now and at the last release, is what partners read first: it lies where they look.
    other = {"__pycache__", "README.md", "schema.graphql", "released.graphql"}
    found = {path.name for path in (ROOT / folder).iterdir() if path.name not in other}
    assert found == {f"pat_{folder}"}


@pytest.mark.parametrize("folder", ROOTS)
def test_a_package_offers_its_types(folder: str) -> None:
    assert (ROOT / folder / f"pat_{folder}" / "py.typed").is_file()


@pytest.mark.parametrize("name", ["platform", "token", "code", "types"])
def test_the_standard_library_wins_from_the_root(name: str) -> None:
    code = (
        f"import sys, sysconfig; sys.path.insert(0, '.'); import {name}\n"
        f"assert {name}.__file__.startswith(sysconfig.get_path('stdlib')), {name}.__file__"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("folder", ROOTS)
def test_the_package_in_use_is_the_one_of_this_checkout(folder: str) -> None:
    code = f"import pat_{folder}; print(pat_{folder}.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(ROOT / folder)
