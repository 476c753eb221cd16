"""Style, types and the direction of imports are part of the suite."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("ruff check --no-fix", id="style"),
        pytest.param("ruff format --check", id="format"),
        pytest.param("mypy", id="types", marks=pytest.mark.slow),
        pytest.param("lint-imports --no-cache", id="imports"),
    ],
)
def test_the_code_passes(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run([PROGRAMS / program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
