"""Multiplies the loaded demo network for load work: rows are copied by the owner, so that the trail knows nothing of them.

Every copy of a survivor or of a group's member is a person of her own: with her own id, key, name and telephone number, sealed as
the verbs would have sealed them. Accounts, referrals and the trail stay as they are; social workers get more cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from pat_platform.encryption.blind_index import BlindIndex
from pat_platform.encryption.envelope import Place
from pat_platform.encryption.key_ring import KeyRing
from pat_server.demo import names
from pat_server.demo.chance import chance, drawn_code, drawn_id
from pat_server.demo.load import Progress
from pat_server.demo.organisations import COMMUNITIES, Community
from pat_server.demo.owner import LoadState, as_owner, load_state
from pat_tenants.vault import Vault

COPIED = (
    "survivors",
    "survivor_keys",
    "survivor_identities",
    "cases",
    "case_assignments",
    "case_notes",
    "case_note_texts",
    "legal_proceedings",
    "hearings",
    "self_help_groups",
    "group_members",
    "group_member_identities",
    "group_entries",
)
"""The tables, parents before children."""

REFERENCES = frozenset({"id", "survivor_id", "case_id", "note_id", "proceeding_id", "group_id", "member_id"})
"""Columns with ids of rows that are copied too."""

Row = dict[str, Any]


class NotLoaded(Exception):
    """Only a demo network that is completely loaded can be multiplied."""


@dataclass(frozen=True)
class Original:
    """What is copied of one organisation: its rows by table, and the texts that the copies keep, by note or survivor."""

    organisation: Community
    rows: dict[str, list[Row]]
    notes: dict[UUID, str]
    births: dict[UUID, str]


async def scale(
    admin_url: str, vault: Vault, factor: int, say: Progress = lambda _words, _share: None
) -> int:
    """Make the network ``factor`` times as large, in one transaction. Returns how many rows were added.

    Raises NotLoaded when the demo network is not there in full, and ValueError for a factor below one.
    """
    if factor < 1:
        raise ValueError(factor)
    if load_state(admin_url) is not LoadState.LOADED:
        raise NotLoaded("Load the demo network first.")
    added = 0
    with as_owner(admin_url, *(f"app.{table}" for table in COPIED)) as connection:
        # The checks of foreign keys keep the plan of their first row, when the tables are small.
        connection.execute("set local enable_seqscan = off")
        originals = [await _read(connection, vault, organisation) for organisation in COMMUNITIES]
        for number in range(1, factor):
            for original in originals:
                copy = await _Copy.of(original, vault, number)
                for table in COPIED:
                    added += _write(connection, table, await copy.rows(table))
            say(f"copy {number + 1} of {factor}", number / (factor - 1))
    return added


async def _read(connection: Connection, vault: Vault, organisation: Community) -> Original:
    rows = {table: _rows(connection, table, organisation.id) for table in COPIED}
    ring = vault.ring(organisation.id)
    await ring.unlock({row["survivor_id"]: row["wrapped"] for row in rows["survivor_keys"]})
    return Original(
        organisation,
        rows,
        notes={
            row["note_id"]: ring.open(_place("case_note_texts", "text", row), row["text"])
            for row in rows["case_note_texts"]
        },
        births={
            row["survivor_id"]: ring.open(_place("survivor_identities", "birth_date", row), row["birth_date"])
            for row in rows["survivor_identities"]
        },
    )


def _rows(connection: Connection, table: str, organisation: UUID) -> list[Row]:
    cursor = connection.execute(
        sql.SQL("select * from {} where organisation_id = %s").format(sql.Identifier("app", table)),
        (organisation,),
    )
    columns = [column.name for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor]


def _write(connection: Connection, table: str, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("app", table), sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    )
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))
    return len(rows)


def _place(table: str, column: str, row: Row) -> Place:
    """Where a sealed column of this row belongs, as the verbs say it."""
    subject = row["survivor_id"] if "survivor_id" in row else row["member_id"]
    return Place(row["organisation_id"], table, column, subject, row.get("note_id"))


class _Copy:
    """One copy of one organisation's rows: its ids, people and keys. Its tables are asked for in the order of COPIED."""

    def __init__(self, original: Original, ring: KeyRing, index: BlindIndex, number: int) -> None:
        self._original = original
        self._ring = ring
        self._index = index
        self._number = number
        self._rng = chance("copy", original.organisation.slug, number)
        self._ids: dict[UUID, UUID] = {}

    @classmethod
    async def of(cls, original: Original, vault: Vault, number: int) -> _Copy:
        """The copy with this number, from 1."""
        organisation = original.organisation.id
        return cls(original, vault.ring(organisation), await vault.phone_index(organisation), number)

    async def rows(self, table: str) -> list[Row]:
        """The rows of this table in the copy."""
        copied = []
        for row in self._original.rows[table]:
            copy = {
                column: self._new_id(value) if column in REFERENCES else value
                for column, value in row.items()
            }
            copied.append(copy | await self._changes(table, row, copy))
        return copied

    def _new_id(self, old: UUID) -> UUID:
        if old not in self._ids:
            self._ids[old] = drawn_id(self._rng)
        return self._ids[old]

    async def _changes(self, table: str, row: Row, copy: Row) -> Row:
        """What is another's in a copied row, besides its ids."""
        match table:
            case "survivors" | "cases":
                return {"code": drawn_code(self._rng)}
            case "survivor_keys":
                return {"wrapped": await self._ring.add(copy["survivor_id"])}
            case "survivor_identities":
                return self._identity(row, copy)
            case "case_note_texts":
                return self._sealed(table, copy, text=self._original.notes[row["note_id"]])
            case "self_help_groups":
                return {"name": f"{row['name']} {self._number + 1}"}
            case "group_member_identities":
                wrapped = await self._ring.add(copy["member_id"])
                return {"wrapped": wrapped, **self._sealed(table, copy, name=" ".join(self._name()))}
        return {}

    def _identity(self, row: Row, copy: Row) -> Row:
        first, second = self._name()
        phone = names.phone(self._rng)
        sealed = self._sealed(
            "survivor_identities",
            copy,
            first_name=first,
            second_name=second,
            birth_date=self._original.births[row["survivor_id"]],
            phone=phone,
            address=names.address(self._rng, self._rng.choice(self._original.organisation.blocks)),
        )
        return {**sealed, "phone_index": self._index.phone(phone)}

    def _name(self) -> tuple[str, str]:
        return self._rng.choice(names.SURVIVOR_FIRST), self._rng.choice(names.SURVIVOR_SECOND)

    def _sealed(self, table: str, copy: Row, **texts: str) -> Row:
        return {column: self._ring.seal(_place(table, column, copy), text) for column, text in texts.items()}
