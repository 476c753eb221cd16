"""The notes that members of the scratch network write, as SQLAlchemy knows them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.database.network import Member, Network

from pat_platform.database.access import Database
from pat_platform.database.transaction import Transaction


class Base(DeclarativeBase):
    metadata = MetaData()


class Note(Base):
    __tablename__ = "notes"
    __table_args__ = {"schema": "app"}  # noqa: RUF012

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    author: Mapped[UUID]
    words: Mapped[str]


def note_of(member: Member, words: str) -> Note:
    return Note(organisation_id=member.organisation, id=uuid4(), author=member.person, words=words)


async def run(database: Database, member: Member, verb: Callable[[Transaction], Awaitable[object]]) -> None:
    async with database.transaction(member.login, member.session) as tx:
        await verb(tx)


def stored(network: Network, note: Note) -> list[tuple[object, ...]]:
    return network.execute("select words from app.notes where id = %s", (note.id,))
