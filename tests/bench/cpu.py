"""Processor time of processes, as Linux counts it."""

from __future__ import annotations

import os
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name: the parent, and times of the process and of children that ended.
PARENT, USER, SYSTEM, ENDED_USER, ENDED_SYSTEM = 1, 11, 12, 13, 14


def _stat(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name may hold spaces and brackets.
    return text.rpartition(")")[2].split()


def family(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {
        int(entry.name): int(stat[PARENT])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None
    }
    found = {root}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found


def cpu_ms(root: int) -> float:
    """What a process and its descendants have used so far, those that have ended included."""
    ticks = 0
    for process in family(root):
        stat = _stat(process)
        if stat is not None:
            ticks += sum(int(stat[field]) for field in (USER, SYSTEM, ENDED_USER, ENDED_SYSTEM))
    return ticks * TICK_MS


def resident_mb(root: int) -> float:
    """The memory that a process and its descendants hold, in MB (10⁶ bytes); what they share counts once for each."""
    pages = 0
    for process in family(root):
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def most_resident_mb(root: int) -> float:
    """The most memory that a process and its descendants have ever held, in MB (10⁶ bytes), each at its own worst moment."""
    found = 0.0
    for process in family(root):
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # Linux says kB and means 1024 bytes.
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return found / 1e6
