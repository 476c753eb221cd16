"""What a mutant is: one piece of the wall, removed or weakened, and how it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.support.wall import Connection

Change = Callable[[Connection], AbstractContextManager[None]]


@dataclass(frozen=True)
class Mutant:
    """One change for the worse. ``change`` makes it for as long as its context lasts.

    ``kind`` groups mutants in the report and tells which tests are likely to notice; ``hints`` are the names of tables and roles
    that such a test may be parametrised by. ``is_structural`` says that nobody can behave differently because of it yet: then it
    is enough that the catalogue lint, or the comparison of the tables with their models, finds it.
    """

    kind: str
    name: str
    change: Change
    hints: frozenset[str] = frozenset()
    is_structural: bool = False
    is_code: bool = False

    @property
    def id(self) -> str:
        """The name under which ``--only`` finds it and the cache remembers it."""
        return f"{self.kind}: {self.name}"


def in_catalogue(apply: str | Iterable[str], undo: str | Iterable[str]) -> Change:
    """A change of the live catalogue: statements that are committed, and the statements that take them back.

    Raises the error of PostgreSQL where the change is not possible: the catalogue is whole then.
    """
    there, back = _listed(apply), _listed(undo)

    @contextmanager
    def changed(connection: Connection) -> Iterator[None]:
        _run(connection, there)
        try:
            yield
        finally:
            _run(connection, back)

    return changed


def _listed(statements: str | Iterable[str]) -> tuple[str, ...]:
    return (statements,) if isinstance(statements, str) else tuple(statements)


def _run(connection: Connection, statements: Iterable[str]) -> None:
    with connection.transaction():
        for statement in statements:
            connection.execute(statement.encode())


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
