"""A task that others may end, with a word why."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from pat_server.subscriptions.lines import Ending


class Endable:
    """``with Endable() as task:`` leaves the block when ``task.end`` is called; ``task.ending`` then says why."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self._is_within = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "only a task can be ended"
        self._task = task
        self._is_within = True
        return self

    def end(self, ending: Ending) -> None:
        """Leave the block, where something is awaited in it; whoever is in it looks at ``ending``. The first word counts."""
        if self.ending is None:
            self.ending = ending
            if self._is_within and asyncio.current_task() is not self._task:
                self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        self._is_within = False
        if self.ending is None or kind is not asyncio.CancelledError:
            return False
        return self._task.uncancel() == 0
