"""The installation: the Python, the packages, the programs for backups."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pat_server.backups.programs import BackupRefused, find_program
from pat_server.doctor.finding import Finding, ok, warning

LOCK = Path(__file__).resolve().parents[3] / "requirements" / "run.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+) *(;)?", re.MULTILINE)


def look_at_installation(lock: Path = LOCK) -> Iterator[Finding]:
    """Whether this Python has the packages that were locked and tested."""
    python = ".".join(map(str, sys.version_info[:3]))
    if not lock.exists():
        yield warning(
            "installation",
            f"Python {python}; without requirements/run.txt nothing says which packages it needs.",
        )
        return
    locked: dict[str, set[str]] = {}
    optional = set()
    for name, version_, condition in _PINNED.findall(lock.read_text()):
        locked.setdefault(name, set()).add(version_)
        # What depends on the platform may be missing on this one.
        if condition:
            optional.add(name)
    installed = {name: _installed(name) for name in locked}
    differing = [
        f"{name} {found or 'is missing'}, not {' or '.join(sorted(locked[name]))}"
        for name, found in installed.items()
        if found not in locked[name] and not (found is None and name in optional)
    ]
    count = sum(found is not None for found in installed.values())
    if differing:
        yield warning(
            "installation",
            f"Packages are not those that were tested ({'; '.join(differing)}): install requirements/run.txt.",
        )
    else:
        yield ok("installation", f"Python {python}, {count} packages as locked.")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def look_at_programs(server_major: int) -> Iterator[Finding]:
    """Whether this machine can back this server up."""
    try:
        found = [find_program(name, server_major) for name in ("pg_dump", "pg_restore")]
    except BackupRefused as error:
        yield warning("programs", f"`pat backup` cannot run on this machine. {error}")
    else:
        yield ok("programs", f"pg_dump and pg_restore {found[0].major} are there for backups.")
