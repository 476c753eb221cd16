"""PostgreSQL's own programs for backups: which of those on this machine suits a server."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.pq import Conninfo

from pat_platform.postgres_programs import PostgresUnavailable, find_binaries

# Where Debian and its kin keep every major version beside the others.
_BESIDE = Path("/usr/lib/postgresql")
_QUOTING = ("DETAIL:", "CONTEXT:", "Command was:")
_NOT_FOR_CHILDREN = re.compile(r"^(DATABASE_|PAT_)")


class BackupRefused(Exception):
    """A backup cannot be made or restored; the message says why and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Program:
    """One of PostgreSQL's programs, and its major version."""

    path: Path
    major: int

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run it to its end and return what it wrote. Raises BackupRefused with its own last words if it fails."""
        process = subprocess.Popen(
            [self.path, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=0o077,
        )
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            said = "\n".join(_without_rows(errors)[:3])
            raise BackupRefused(f"{self.path.name} did not finish: {said or process.returncode}")
        return output


def _without_rows(errors: str) -> list[str]:
    """What a program said, but for the lines in which PostgreSQL quotes the row that it stumbled over."""
    return [line for line in errors.strip().splitlines() if not line.startswith(_QUOTING)]


def find_program(name: str, server_major: int) -> Program:
    """The program that fits a server best: of its own major version, else the next newer one.

    Raises BackupRefused if there is none, or only older ones.
    """
    found = [Program(path, major) for path in _candidates(name) if (major := _major(path)) is not None]
    fitting = sorted((each for each in found if each.major >= server_major), key=lambda each: each.major)
    if fitting:
        return fitting[0]
    if not found:
        raise BackupRefused(
            f"There is no {name} on this machine: install PostgreSQL {server_major}'s client programs "
            f"(Debian, Ubuntu: postgresql-client-{server_major})."
        )
    newest = max(each.major for each in found)
    raise BackupRefused(
        f"{name} {newest} is older than the server, which is PostgreSQL {server_major}: install its client programs "
        f"(Debian, Ubuntu: postgresql-client-{server_major})."
    )


def _candidates(name: str) -> Iterator[Path]:
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    folders += sorted(_BESIDE.glob("*/bin"))
    with suppress(PostgresUnavailable):
        folders.append(find_binaries())
    for folder in folders:
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _major(path: Path) -> int | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else None


def environment_for(url: str) -> dict[str, str]:
    """The environment in which a program connects to ``url``: the password is on no command line, our secrets are nowhere."""
    kept = {name: value for name, value in os.environ.items() if not _NOT_FOR_CHILDREN.match(name)}
    told = {
        option.envvar.decode(): option.val.decode()
        for option in Conninfo.parse(url.encode())
        if option.envvar and option.val is not None
    }
    return {**kept, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "pat", **told, "LC_ALL": "C"}
