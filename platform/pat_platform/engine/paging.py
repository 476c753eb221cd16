"""Which page a connection's arguments ask for: direction, size, and the cursor it begins at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .arguments import Field, dig
from .cursors import CursorKey
from .declare import Connection
from .errors import BadArgument, BadCursor, Path
from .keyset import Term
from .plan import Binding
from .price import Factor
from .statement import Statement
from .variables import Hidden

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Size:
    """A page's size: SQL for it, bound when it is first asked for, and how many rows that may be."""

    bind: Callable[[], str]
    rows: Factor

    @property
    def sql(self) -> str:
        """The number of rows."""
        return self.bind()

    @property
    def one_more(self) -> str:
        """One more, to see whether there are any."""
        return f"{self.bind()} + 1"


@dataclass(frozen=True)
class Window:
    """A page: the last ``size`` rows before the cursor if backward, else the first ones after it."""

    backward: bool
    size: Size
    cursor: Callable[[], tuple[str, ...]] | None


def direction(given: Mapping[str, Any], path: Path) -> bool:
    """Whether the arguments ask for a page backward. Raises BadArgument where they contradict each other."""
    forward = [name for name in ("first", "after") if given.get(name) is not None]
    backward = [name for name in ("last", "before") if given.get(name) is not None]
    if forward and backward:
        raise BadArgument(path, f"{forward[0]} and {backward[0]} cannot be given together.")
    return bool(backward)


def checked_size(value: Any, name: str, most: int, path: Path) -> int:
    """A page's size. Raises BadArgument if it is out of bounds."""
    if not 0 <= value <= most:
        raise BadArgument(path, f"{name} must be from 0 to {most}.")
    return int(value)


def read_cursor(key: CursorKey, identity: str, cursor: Any, terms: int, path: Path) -> list[str | None]:
    """The values in a cursor. Raises BadCursor."""
    try:
        return key.read(identity, str(cursor), terms)
    except ValueError as error:
        raise BadCursor(path, "This cursor does not belong to this list and order.") from error


def window(
    statement: Statement,
    declaration: Connection,
    field: Field,
    key: CursorKey,
    identity: str,
    terms: Sequence[Term],
) -> Window:
    """The page that a field's arguments ask for. Raises BadArgument."""
    names = ("first", "last", "after", "before")
    keys = {name: field.reader.keys(name) for name in names if name in field.reader.definition.args}
    known = {name: dig(field.known, found) for name, found in keys.items()}
    path = field.site.path
    backward = direction(known, path)
    name, edge = ("last", "before") if backward else ("first", "after")
    size = known.get(name)
    if isinstance(size, Hidden):
        page = _bound_size(statement, declaration, field, name, keys[name])
    else:
        number = declaration.default_page if size is None else size
        number = checked_size(number, name, declaration.max_page, path)
        page = Size(lambda: str(number), number)
    if known.get(edge) is None:
        return Window(backward, page, None)
    return Window(backward, page, _bound_cursor(statement, field, key, identity, terms, keys[edge]))


def _bound_size(
    statement: Statement, declaration: Connection, field: Field, name: str, keys: tuple[str, ...]
) -> Size:
    reader, path = field.reader, field.site.path
    given = reader.at(keys)

    def size(binding: Binding) -> int:
        return checked_size(given(binding), name, declaration.max_page, path)

    def bind() -> str:
        same_as = ("size", id(reader), keys)
        return statement.parameter(lambda binding: str(size(binding)).encode(), same_as) + "::int8"

    statement.checks.append(size)
    return Size(bind, size)


def _bound_cursor(
    statement: Statement,
    field: Field,
    key: CursorKey,
    identity: str,
    terms: Sequence[Term],
    keys: tuple[str, ...],
) -> Callable[[], tuple[str, ...]]:
    reader, path = field.reader, field.site.path
    given = reader.at(keys)

    def values(binding: Binding) -> list[str | None]:
        known = binding.decoded.get((id(reader), identity))
        if known is None:
            known = read_cursor(key, identity, given(binding), len(terms), path)
            binding.decoded[id(reader), identity] = known
        return known

    def value(place: int) -> str:
        def encoded(binding: Binding) -> bytes | None:
            text = values(binding)[place]
            return None if text is None else text.encode()

        return statement.parameter(encoded, ("cursor", id(reader), identity, place))

    statement.checks.append(values)
    return lambda: tuple(f"{value(place)}::{each.kind.sql_type}" for place, each in enumerate(terms))
