"""What a cluster's `postmaster.pid` tells: which process serves it, and since when on which port."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PidFile:
    """The file in which a PostgreSQL server describes itself, in the cluster's folder `data`."""

    data: Path

    def running(self) -> int | None:
        """The process that serves this cluster, if it is alive; a reused process id is not it."""
        lines = self._lines()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if os.fsencode(self.data) in command_line(pid) else None

    def ready_port(self, pid: int) -> int | None:
        """The TCP port of the server with this process id, once it accepts connections."""
        lines = self._lines()
        # The eighth line is what `pg_ctl --wait` reads too.
        if len(lines) < 8 or lines[0].strip() != str(pid) or lines[7].strip() != "ready":
            return None
        return int(lines[3])

    def stop_orphan(self, seconds: float) -> None:
        """Stop a server whose parent was killed, first gently, then after `seconds` not so gently.

        The next start finds all that it had committed. Only the holder of the cluster's lock may call this.
        """
        lines = self._lines()
        if not lines:
            return
        pid = self.running()
        if pid is None:
            # The id may belong to a stranger by now, and the server would refuse to start. It passes
            # over its own parent's id, and still looks for the shared memory that the file names.
            self._path.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
            return
        deadline = time.monotonic() + seconds
        os.kill(pid, signal.SIGINT)
        while self.running() == pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                deadline += seconds
            time.sleep(0.02)

    @property
    def _path(self) -> Path:
        return self.data / "postmaster.pid"

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text().splitlines()
        except FileNotFoundError:
            return []


def command_line(pid: int) -> bytes:
    """The command line of a process, empty if there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    return subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True).stdout
