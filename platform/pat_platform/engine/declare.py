"""How a GraphQL field is found in the database: declarations, written beside the schema.

SQL in a declaration is code, never input. It may use these names in braces:

``{t}``         alias of the row that the field belongs to
``{n}``         alias of the new row (the related one, the filtered one, the ordered one)
``{l}``         alias of an aggregate's shared lateral
``{arg:name}``  the field's argument, as a bound parameter; ``{arg:input.name}`` for one inside an input
``{id:T:name}`` the key inside an argument that is a global id of type T; NULL for another type's id
``{value}``     the filter's value, already cast
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import UUID, Kind


@dataclass(frozen=True)
class Source:
    """A table, view or ``(select …)`` and the columns, never null and of one kind, that identify a row."""

    sql: str
    key: tuple[str, ...] = ("id",)
    kind: Kind = UUID


@dataclass(frozen=True)
class Row:
    """How an object of a type is found by its id: for ``node(id)`` and for what a mutation returns."""

    source: Source
    column: str = "id"
    kind: Kind = UUID


@dataclass(frozen=True)
class DeferredRow:
    """A row chosen from the viewer: where an object is found differs with who asks. ``options`` is all it may be."""

    choose: Callable[[Any], Row]
    options: tuple[Row, ...]


@dataclass(frozen=True)
class Order:
    """One term of an order: a column's name, or SQL over ``{n}``.

    A connection needs the kind (its cursors carry the value) and must be told of nullable terms.
    NULL sorts as PostgreSQL does: last ascending, first descending.
    """

    by: str
    kind: Kind | None = None
    desc: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class Filter:
    """A condition over the filtered row ``{t}``, applied when the filter's value is given and not null.

    ``single`` says the same of a list of one enum value, where that is known to be one: an index whose next columns are the
    order's then gives the rows in order, which it cannot for several values.
    """

    sql: str
    type: str = "text"
    single: str | None = None


@dataclass(frozen=True)
class Audit:
    """Reading this reveals something of a class of fields about a subject (SQL over ``{t}``: a uuid)."""

    field_class: str
    subject: str


@dataclass(frozen=True)
class Searched:
    """Looking through a list reveals something of a class of fields about these subjects, whatever is found (SQL of a select of uuids)."""

    field_class: str
    subjects: str


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What all declarations share: the permission, if any, that a viewer needs to ask for the field."""

    requires: Hashable | None = None


@dataclass(frozen=True, kw_only=True)
class Leaf(Declaration):
    """A field whose value the statement finds on the row itself."""

    nullable: bool = True
    audits: Audit | None = None


@dataclass(frozen=True)
class Column(Leaf):
    """A column of the row. ``nullable=False`` promises NOT NULL."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Expression(Leaf):
    """SQL over ``{t}``."""

    sql: str
    kind: Kind


@dataclass(frozen=True)
class GlobalId(Declaration):
    """base64 of ``type_name:key``."""

    type_name: str
    column: str = "id"


@dataclass(frozen=True)
class Aggregate(Leaf):
    """A value of a subquery that sibling fields with the same ``sql`` share: ``value`` is over ``{l}``."""

    sql: str
    value: str
    kind: Kind


@dataclass(frozen=True)
class Finish(Leaf):
    """A leaf that Python finishes: the step gets what ``raw`` gives, one call for all of them.

    ``raw`` is SQL of type text that is JSON. A NULL is null and does not reach the step.
    """

    raw: str
    step: str


@dataclass(frozen=True)
class Constant(Declaration):
    """The same JSON value for every row; for an object type, a mapping of its fields' values."""

    value: Any


@dataclass(frozen=True)
class Same(Declaration):
    """An object on the very same row: a grouping of fields, an edge's node."""


@dataclass(frozen=True)
class Variant:
    """A concrete type of a Choice, taken when ``condition`` (SQL over ``{t}``) is true; None: always.

    A Constant may name another type as its ``__typename``: what a Deferred gives to those who may not.
    """

    condition: str | None
    type_name: str
    found: Same | Constant | ToOne | Deferred


@dataclass(frozen=True)
class Choice(Declaration):
    """A union or interface: the first variant whose condition is true; null when none is."""

    variants: tuple[Variant, ...]


Item = Same | Choice


@dataclass(frozen=True)
class ToOne(Declaration):
    """The one related row, or null. With ``order``, the first one."""

    source: Source
    on: str
    nullable: bool = True
    order: tuple[Order, ...] = ()
    item: Item = field(default_factory=Same)


@dataclass(frozen=True)
class ToMany(Declaration):
    """All related rows as a plain list; ``estimate`` is how many to expect, for the cost of a page."""

    source: Source
    on: str
    order: tuple[Order, ...]
    item: Item = field(default_factory=Same)
    estimate: int = 10


@dataclass(frozen=True)
class Connection(Declaration):
    """A Relay connection with keyset cursors.

    ``orders`` maps the names of the enum in ``order_argument`` to terms; the source's key breaks ties.
    ``filters`` maps fields of the input object in ``filter_argument``, ``arguments`` maps the field's
    own arguments. ``audits`` is for a list whose order or filters reveal something of its rows: whoever asks for
    edges, nodes or a page's place reads it of the page's rows, whoever asks how many there are, of all of them.
    ``searched`` is for one that tells something by what is not in it, of these.
    """

    source: Source
    orders: Mapping[str, tuple[Order, ...]]
    default_order: str
    on: str | None = None
    order_argument: str = "orderBy"
    filters: Mapping[str, Filter] = field(default_factory=dict)
    filter_argument: str = "filter"
    arguments: Mapping[str, Filter] = field(default_factory=dict)
    default_page: int = 50
    max_page: int = 500
    item: Item = field(default_factory=Same)
    audits: Audit | None = None
    searched: Searched | None = None


@dataclass(frozen=True)
class NodeById(Declaration):
    """Any object with a global id, of the types that the viewer may read; null for the others."""

    argument: str = "id"


@dataclass(frozen=True)
class Verb(Declaration):
    """A mutation's root field: executed by its caller, its payload compiled.

    ``is_urgent``, for the caller: whether what is done with these arguments must not wait for anybody else.
    """

    is_urgent: Callable[[Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True)
class Event(Declaration):
    """A subscription's root field: what each event says, on a row of these columns that its caller gives.

    ``look`` is for the caller: how it finds out that there is one. ``is_state``: what is said twice running is said once.
    """

    look: str
    columns: Mapping[str, Kind] = field(default_factory=dict)
    is_state: bool = False


@dataclass(frozen=True)
class Deferred(Declaration):
    """A declaration chosen when the plan is made, from the viewer; ``options`` is all it may become."""

    choose: Callable[[Any], Declaration]
    options: tuple[Declaration, ...] = ()
