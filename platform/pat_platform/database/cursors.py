"""How psycopg sends the statements of verbs."""

from typing import Any

from psycopg import AsyncCursor


class ExtendedCursor(AsyncCursor[Any]):
    """A cursor that never uses the simple query protocol.

    That protocol takes several statements in one string: an injected one could end the transaction, or plant
    a prepared statement for whoever uses the connection next.
    """

    def _execute_send(self, query: Any, *, force_extended: bool = False, binary: bool | None = None) -> None:
        super()._execute_send(query, force_extended=True, binary=binary)
