"""A bounded cache that forgets what was used longest ago, and counts."""

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
    """At most ``size`` values; the least recently used one makes room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Value | None:
        """The value for a key, which is now the most recently used."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, dropping the least recently used one if there is no room."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
