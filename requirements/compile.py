"""Writes the locks of this folder from pyproject.toml: `python requirements/compile.py [uv options]`.

The pins that are there stay as long as they fit; `--upgrade` or `--upgrade-package NAME` renews them. The locks are
hashed, hold for every platform, and name no package index, so that any mirror serves.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Each lock of Python packages holds all of the one before it; uv and node are tools.
SOURCES = {
    "uv": ["requirements/uv.in"],
    "node": ["requirements/node.in"],
    "run": ["pyproject.toml", "--group", "build"],
    "demo": ["pyproject.toml", "--group", "build", "--group", "embedded"],
    "dev": ["pyproject.toml", "--group", "build", "--group", "dev"],
}
FORM = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]


def compile_lock(uv: str, name: str, target: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Write the lock `name` to `target`, where the pins to keep may already stand; say what uv said."""
    command = [uv, "pip", "compile", *SOURCES[name], *FORM, *options, "--output-file", str(target)]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True)


def main() -> None:
    """Write all locks; end with uv's words if it fails."""
    for name in SOURCES:
        done = compile_lock("uv", name, HERE / f"{name}.txt", *sys.argv[1:])
        if done.returncode != 0:
            sys.exit(done.stderr)


if __name__ == "__main__":
    main()
