"""What lies on this machine: keys, the secret's file, backups, free space."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pat_platform.settings import KeyProviderKind, Settings
from pat_server.backups.archive import is_archive
from pat_server.doctor.finding import Finding, ok, problem, warning
from pat_server.keeping import key_findings

DAY = 24 * 3600
SIGNING_KEYS_DAYS = 90
BACKUP_WARNING_HOURS, BACKUP_PROBLEM_DAYS = 26, 7
LOW_SHARE, LOW_BYTES, EMPTY_BYTES = 0.1, 2 * 2**30, 200 * 2**20
# Containers are given their secrets there, with modes that are not theirs to choose.
GIVEN = Path("/run/secrets")


def look_at_keys(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Where keys are, whether they open what they should, and who else can read them."""
    found = [problem("keys", sentence) for sentence in key_findings(settings)]
    if settings.key_provider is KeyProviderKind.FILE and not settings.demo:
        found.append(
            warning(
                "keys",
                "PAT_KEY_PROVIDER is `file`: whoever copies this machine's disk can open identities. Use `vault`.",
            )
        )
    folder = settings.key_folder
    found += [
        problem("keys", f"{path} is open to others: take their rights away (chmod go= {path}).")
        for path in _exposed(folder)
    ]
    signing = folder / "signing-keys.json"
    if not signing.exists():
        found.append(
            warning(
                "keys",
                f"{folder} holds no signing keys: the first start makes them there; is the folder right?",
            )
        )
    elif (age := _age(signing) / DAY) > SIGNING_KEYS_DAYS:
        found.append(
            warning(
                "keys", f"The signing keys are {age:.0f} days old: `pat keys rotate signing` moves them on."
            )
        )
    secret = environment.get("PAT_SECRET_FILE")
    if secret and GIVEN not in Path(secret).absolute().parents and _is_open(Path(secret)):
        found.append(problem("keys", "The file that PAT_SECRET_FILE names is open to others: chmod 600 it."))
    yield from found or [
        ok("keys", "Every organisation's keys open what they wrapped; no file of keys is open to others.")
    ]


def _exposed(folder: Path) -> Iterator[Path]:
    if folder.exists():
        yield from (path for path in (folder, *sorted(folder.rglob("*"))) if _is_open(path))


def _is_open(path: Path) -> bool:
    """Whether others may read or change a file, or put something into a folder."""
    return path.exists() and bool(path.stat().st_mode & (0o022 if path.is_dir() else 0o077))


def look_at_backups(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether there is a new backup, private, and apart from the keys."""
    if settings.demo:
        return
    named = environment.get("PAT_BACKUP_FOLDER")
    if not named:
        yield warning(
            "backups", "PAT_BACKUP_FOLDER is not set: nobody can tell when the last backup was made."
        )
        return
    folder, keys = Path(named).absolute(), settings.key_folder.absolute()
    if not folder.is_dir():
        yield problem("backups", f"There is no folder {folder}, which PAT_BACKUP_FOLDER names.")
        return
    if folder == keys or folder in keys.parents or keys in folder.parents:
        yield problem(
            "backups",
            "Backups and keys lie in one folder: whoever takes it can read everything. Keep them apart.",
        )
    archives = [
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(".part") and is_archive(path)
    ]
    if not archives:
        yield problem("backups", f"There is no backup in {folder}: make one with `pat backup`.")
        return
    newest = min(archives, key=_age)
    hours = _age(newest) / 3600
    sentence = f"The newest backup is {hours:.0f} hours old ({newest.name})"
    if hours > BACKUP_PROBLEM_DAYS * 24:
        yield problem("backups", f"{sentence}: find out why none was made since.")
    elif hours > BACKUP_WARNING_HOURS:
        yield warning("backups", f"{sentence}: one a day is the least.")
    else:
        yield ok("backups", f"{sentence}.")
    exposed = [path.name for path in archives if _is_open(path)]
    if exposed:
        yield problem(
            "backups", f"{len(exposed)} backups are open to others ({exposed[0]}, …): chmod 600 them."
        )


def look_at_disks(settings: Settings, data: str | None, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Free space where keys, backups and, if it is on this machine, the database's data are."""
    folders = {"keys": settings.key_folder, "backups": environment.get("PAT_BACKUP_FOLDER"), "data": data}
    findings = [finding for what, path in folders.items() if path and (finding := _space(what, Path(path)))]
    yield from findings or [ok("disk", "There is space left.")]


def _space(what: str, folder: Path) -> Finding | None:
    folder = folder.absolute()
    existing = next((each for each in (folder, *folder.parents) if os.access(each, os.F_OK)), None)
    if existing is None:
        return None
    usage = shutil.disk_usage(existing)
    told = f"The disk of the {what} has {usage.free / 2**30:.1f} GiB left"
    if usage.free < EMPTY_BYTES:
        return problem("disk", f"{told}: free some space now.")
    if usage.free < min(LOW_BYTES, usage.total * LOW_SHARE):
        return warning("disk", f"{told}: free some space soon.")
    return None


def _age(path: Path) -> float:
    """Seconds since it was written."""
    return time.time() - path.stat().st_mtime
