"""Compiled reads: one round trip, one transaction, and nothing left behind."""

import asyncio
from uuid import uuid4

import pytest

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.errors import Fault
from tests.database.conftest import Member, Network, OpenDatabase

MINE = "select count(*)::text, min(organisation_id::text), min(author::text) from app.notes"


async def read(database: Database, member: Member, sql: str, *parameters: bytes | None) -> list[bytes | None]:
    return await database.read(member.login, member.session, sql, parameters, read_only=True)


async def test_a_read_sees_the_rows_of_its_person(database: Database, member: Member) -> None:
    row = await read(database, member, MINE)
    assert row == [b"5", str(member.organisation).encode(), str(member.person).encode()]


async def test_a_read_without_rows_is_an_empty_list(database: Database, member: Member) -> None:
    assert await read(database, member, "select 1 where false") == []
