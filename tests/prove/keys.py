"""Mutants of keys: each primary, unique and foreign key without organisation_id, and each foreign key gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.prove.mutant import Mutant, in_catalogue
from tests.prove.policies import SCHEMAS
from tests.support.wall import Connection

_KEYS = f"""
select k.conrelid::regclass::text, k.conname, k.contype::text, pg_get_constraintdef(k.oid), k.confrelid::regclass::text,
    array(select a.attname::text from unnest(k.conkey) with ordinality n(number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.number order by n.place),
    array(select a.attname::text from unnest(k.confkey) with ordinality n(number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.number order by n.place)
from pg_constraint k join pg_namespace n on n.oid = k.connamespace
where n.nspname in {SCHEMAS} and k.contype in ('p', 'u', 'f') order by 1, 2"""

# Unique indexes that belong to no constraint.
_INDEXES = f"""
select x.indrelid::regclass::text, c.relname, pg_get_indexdef(x.indexrelid)
from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname in {SCHEMAS} and x.indisunique
and not exists (select from pg_constraint k where k.conindid = x.indexrelid) order by 1, 2"""

ORGANISATION = "organisation_id"


@dataclass(frozen=True)
class Key:
    """One key of a table. ``other`` and ``others`` are the table and columns that a foreign key refers to."""

    table: str
    name: str
    type: str
    definition: str
    other: str
    columns: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def added(self) -> str:
        return f"alter table {self.table} add constraint {self.name} {self.definition}"

    @property
    def dropped(self) -> str:
        return f"alter table {self.table} drop constraint {self.name}"

    def depends_on(self, key: Key) -> bool:
        """Whether this foreign key refers to the columns that ``key`` makes unique."""
        return self.type == "f" and self.other == key.table and set(self.others) == set(key.columns)

    def without_organisation(self) -> Key:
        """The same key, by its other columns alone."""
        columns = ", ".join(name for name in self.columns if name != ORGANISATION)
        if self.type != "f":
            word = {"p": "primary key", "u": "unique"}[self.type]
            return replace(self, definition=f"{word} ({columns})")
        pairs = [pair for pair in zip(self.columns, self.others, strict=True) if ORGANISATION not in pair]
        mine, theirs = (", ".join(names) for names in zip(*pairs, strict=True))
        return replace(self, definition=f"foreign key ({mine}) references {self.other} ({theirs})")


def mutants(connection: Connection) -> Iterator[Mutant]:
    """Every mutant of the keys that the catalogue gives rise to."""
    keys = [
        Key(table, name, type, definition, other, tuple(columns), tuple(others))
        for table, name, type, definition, other, columns, others in connection.execute(
            _KEYS.encode()
        ).fetchall()
    ]
    for key in keys:
        if key.type == "f":
            yield _gone(key)
        if ORGANISATION in key.columns and len(key.columns) > 1:
            yield _shortened(key, keys)
    for table, name, definition in connection.execute(_INDEXES.encode()).fetchall():
        if f"({ORGANISATION}, " in definition:
            yield _index(table, name, definition)


def _gone(key: Key) -> Mutant:
    hints = frozenset({key.table, key.name, key.other})
    change = in_catalogue(key.dropped, key.added)
    return Mutant("foreign key dropped", f"{key.table}.{key.name}", change, hints, is_structural=True)


def _shortened(key: Key, keys: list[Key]) -> Mutant:
    """Whatever refers to the key, or what a foreign key refers to, loses its organisation too: there must be such a key."""
    shorter = key.without_organisation()
    if key.type == "f":
        unique = (
            f"alter table {key.other} add constraint planted unique {shorter.definition.split(key.other)[1]}"
        )
        apply = [key.dropped, unique, shorter.added]
        undo = [key.dropped, f"alter table {key.other} drop constraint planted", key.added]
    else:
        users = [other for other in keys if other.depends_on(key)]
        apply = [
            *(user.dropped for user in users),
            key.dropped,
            shorter.added,
            *(user.without_organisation().added for user in users),
        ]
        undo = [*(user.dropped for user in users), key.dropped, key.added, *(user.added for user in users)]
    kind = {"p": "primary key", "u": "unique key", "f": "foreign key"}[key.type]
    hints = frozenset({key.table, key.name})
    return Mutant(
        f"{kind} without the organisation",
        f"{key.table}.{key.name}",
        in_catalogue(apply, undo),
        hints,
        is_structural=True,
    )


def _index(table: str, name: str, definition: str) -> Mutant:
    schema = table.split(".")[0]
    drop = f"drop index {schema}.{name}"
    change = in_catalogue((drop, definition.replace(f"({ORGANISATION}, ", "(", 1)), (drop, definition))
    return Mutant(
        "unique key without the organisation",
        f"{table}.{name}",
        change,
        frozenset({table}),
        is_structural=True,
    )
