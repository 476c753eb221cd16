"""What verbs presume: rows that were found lately, and the statements that confirm them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from pat_platform.database.statements import Statement

PRESUMED_SECONDS = 300.0
PRESUMED = 5_000


class Presumed(NamedTuple):
    """A row that was found, what fails where it is not found any more, and until when it is presumed."""

    row: Any
    confirmation: Statement
    until: float


class Presumptions:
    """The rows that one process presumes: of each person only what she was shown herself, for some minutes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: OrderedDict[Hashable, Presumed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable) -> Presumed | None:
        """What was found under this key, unless that was long ago."""
        found = self._found.get(key)
        return None if found is None or found.until <= self._clock() else found

    def keep(self, key: Hashable, row: object, confirmation: Statement) -> None:
        """Presume this from now on, in place of what was found before."""
        now = self._clock()
        self._found.pop(key, None)
        self._found[key] = Presumed(row, confirmation, now + PRESUMED_SECONDS)
        # What was found first stands first. It may be a key that has been erased since: it goes as soon as it is of no use.
        while len(self._found) > PRESUMED or next(iter(self._found.values())).until <= now:
            self._found.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Presume nothing under this key any more."""
        self._found.pop(key, None)
