"""What an archive says of itself: when it was made, of what, and at which revision."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pat_server.backups.programs import BackupRefused, Program, find_program
from pat_server.migrate import known_revisions

SIGN = b"PGDMP"
"""How PostgreSQL's custom format begins."""

# The rights of the catalogue and of the table of versions are made anew by `pat migrate`: they name roles of the old server.
_MADE_ANEW = re.compile(r"^\d+; \d+ \d+ ACL (?:pg_catalog |migrations |- SCHEMA migrations )")


@dataclass(frozen=True)
class Archive:
    """An archive that can be restored. ``lines`` is its table of contents, as ``pg_restore --list`` prints it."""

    revision: str
    created_at: str
    server: str
    lines: tuple[str, ...]

    @property
    def restored(self) -> str:
        """The table of contents of what is restored."""
        return "\n".join(line for line in self.lines if not _MADE_ANEW.match(line)) + "\n"


def is_archive(file: Path) -> bool:
    """Whether a file begins as an archive does."""
    with file.open("rb") as opened:
        return opened.read(len(SIGN)) == SIGN


def read_archive(file: Path, server_major: int) -> Archive:
    """Read what an archive for such a server says of itself.

    Raises BackupRefused for anything but a backup of this system, made by this release or an older one.
    """
    if not is_archive(file):
        raise BackupRefused(f"{file} is no backup: it does not begin as an archive of PostgreSQL does.")
    program = find_program("pg_restore", server_major)
    listed = program.run(["--list", str(file)], _plain())
    told = dict(
        re.findall(r"^;\s+(Archive created at|Dumped from database version):? (.+)$", listed, re.MULTILINE)
    )
    revision = _revision(program, file)
    if revision is None:
        raise BackupRefused(f"{file} is an archive of PostgreSQL, but no backup of this system.")
    if revision not in known_revisions():
        raise BackupRefused(f"{file} was made by a newer release than this one: restore it with that one.")
    return Archive(
        revision=revision,
        created_at=told.get("Archive created at", "?"),
        server=told.get("Dumped from database version", "?"),
        lines=tuple(listed.splitlines()),
    )


def _revision(program: Program, file: Path) -> str | None:
    """The revision in the archive's table of versions."""
    printed = program.run(
        ["--data-only", "--schema=migrations", "--table=versions", "--file=-", str(file)], _plain()
    )
    found = re.search(
        r"^COPY migrations\.versions \(version_num\) FROM stdin;\n(\S+)$", printed, re.MULTILINE
    )
    return found[1] if found else None


def _plain() -> dict[str, str]:
    """An environment for what connects to nothing."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
