"""Where the explorer's built page lies, and how far its build is."""

import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

SOURCES = Path(__file__).resolve().parents[2] / "web"


class BuildState(StrEnum):
    """Whether there is a page, and if not, whether there will be."""

    BUILT = "built"
    BUILDING = "building"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True)
class Web:
    """The folder of the built page; with ``workshop``, that in which a checkout builds it."""

    built: Path
    workshop: Path | None = None

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What this checkout builds; PAT_WEB_FOLDER names a folder that was built elsewhere."""
        named = environment.get("PAT_WEB_FOLDER")
        return cls(Path(named).absolute()) if named else cls(SOURCES / "dist", SOURCES / ".build")

    @property
    def page(self) -> Path:
        """The page itself."""
        return self.built / "index.html"

    @property
    def assets(self) -> Path:
        """All that the page loads."""
        return self.built / "assets"

    @property
    def lock(self) -> Path:
        """Locked by whoever builds."""
        return self._workshop / "lock"

    @property
    def failure(self) -> Path:
        """Holds one sentence if the last build failed: why, and what to do."""
        return self._workshop / "failure"

    def state(self) -> BuildState:
        """How far it is. A page that was built before is shown until the next one is."""
        if self.page.is_file():
            return BuildState.BUILT
        if self.workshop is None:
            return BuildState.ABSENT
        if self._is_locked():
            return BuildState.BUILDING
        return BuildState.FAILED if self.failure.is_file() else BuildState.ABSENT

    def _is_locked(self) -> bool:
        with suppress(OSError), self.lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @property
    def _workshop(self) -> Path:
        assert self.workshop, "a page that was built elsewhere is not built here"
        return self.workshop
