"""A cache, bounded in number and weight, that forgets what was used longest ago; and counters."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass
class Counters:
    """What happened since the start; for metrics and tests."""

    hits: int = 0
    misses: int = 0
    compiled: int = 0
    fallbacks: int = 0


class LeastRecent(Generic[Value]):
    """At most ``size`` values that weigh at most ``weight`` together; the least recently used make room.

    A value that is too heavy alone is not kept: whoever sends such things pays for them each time.
    """

    def __init__(self, size: int, weight: int) -> None:
        self._size = size
        self._most = weight
        self._weight = 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._weight = 0

    def get(self, key: Hashable) -> Value | None:
        """The value for a key, which is now the most recently used."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value, weight: int = 1) -> None:
        """Keep a value under a key that is not there yet, dropping others until there is room."""
        if weight > self._most:
            return
        self._values[key] = value, weight
        self._weight += weight
        while len(self._values) > self._size or self._weight > self._most:
            _, (_, lost) = self._values.popitem(last=False)
            self._weight -= lost
