"""Statements, and which of them one connection has prepared."""

from collections import OrderedDict
from typing import NamedTuple


class Statement(NamedTuple):
    """One SQL statement with values for `$1`, `$2`, … in PostgreSQL's text format.

    A lasting statement stays prepared for the life of a connection.
    """

    sql: str
    parameters: tuple[bytes | None, ...] = ()
    is_lasting: bool = False


class PreparedStatements:
    """The names under which one connection has prepared its statements: the most recently used ones."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._lasting: dict[str, bytes] = {}
        self._recent: OrderedDict[str, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lasting) + len(self._recent)

    def find(self, sql: str) -> bytes | None:
        """The name of a statement that is prepared, else None."""
        name = self._lasting.get(sql)
        if name is None:
            name = self._recent.get(sql)
            if name is not None:
                self._recent.move_to_end(sql)
        return name

    def next_name(self) -> bytes:
        """A name that was never used on this connection."""
        self._count += 1
        return b"pat_%d" % self._count

    def keep(self, statement: Statement, name: bytes) -> None:
        """Register what the server has prepared. Not earlier: a name whose Parse failed does not exist."""
        if statement.is_lasting:
            self._lasting[statement.sql] = name
        else:
            self._recent[statement.sql] = name

    def evict(self) -> list[bytes]:
        """Forget the least recently used statements over the limit; return their names, to be closed."""
        evicted = []
        while len(self._recent) > self._limit:
            evicted.append(self._recent.popitem(last=False)[1])
        return evicted
