"""SQLAlchemy on a connection that is only lent to it."""

from typing import Any

import psycopg
from sqlalchemy.dialects.postgresql.psycopg import AsyncAdapt_psycopg_connection, PGDialectAsync_psycopg
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import StaticPool
from sqlalchemy.util import LRUCache

URL = make_url("postgresql+psycopg://")


class _LentConnection(AsyncAdapt_psycopg_connection):
    """Its transaction and its life belong to somebody else: SQLAlchemy neither ends nor closes it."""

    __slots__ = ()

    def commit(self) -> None:
        return None

    def rollback(self) -> None:
        return None

    def close(self) -> None:
        return None


class _Dialect(PGDialectAsync_psycopg):
    """PostgreSQL as we require it, so that nobody has to ask the server first."""

    supports_statement_cache = True
    server_version_info = (17,)
    default_schema_name = "public"
    # Literals follow the standard: standard_conforming_strings is never off.
    _backslash_escapes = False


class Sessions:
    """Makes SQLAlchemy sessions on lent connections. They share one dialect and one cache of compiled SQL."""

    def __init__(self, cache_size: int = 500) -> None:
        dialect_class: Any = _Dialect  # SQLAlchemy's dialects carry no type hints
        self._dialect = dialect_class(dbapi=dialect_class.import_dbapi(), use_native_hstore=False)
        self._options: dict[str, Any] = {"compiled_cache": LRUCache(cache_size)}

    def open(self, connection: psycopg.AsyncConnection) -> AsyncSession:
        """A session on the connection, inside whatever transaction is open there."""
        # psycopg's and SQLAlchemy's type hints for a driver's connection differ.
        untyped: Any = connection
        lent: Any = _LentConnection(self._dialect.loaded_dbapi, untyped)
        engine = Engine(
            StaticPool(lambda: lent, reset_on_return=None, dialect=self._dialect),
            self._dialect,
            URL,
            query_cache_size=0,
            execution_options=self._options,
            # Parameters are people's data: they must not stand in the text of an error.
            hide_parameters=True,
        )
        return AsyncSession(AsyncEngine(engine), expire_on_commit=False)
