"""The fence and the session check, each alone: whatever else is granted by mistake, they hold, table by table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from tests.support.people import Member, Row
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view, insert

from pat_auth.policy import Role
from pat_platform.database.models import TableKind
from pat_tenants.isolation.doors import DOORS
from pat_tenants.tables import metadata

TENANT = sorted(t.fullname for t in metadata.tables.values() if t.info["kind"] is TableKind.TENANT)
DOMAIN = sorted(t.fullname for t in metadata.tables.values() if t.info["kind"] is not TableKind.SECURITY)
REFUSED = "42501"


@contextmanager
def wide_open(wall: Wall, table: str, member: Member, *, entered: bool = True) -> Iterator[Connection]:
    """Act as a member when every role may do everything with a table, and its permissive policies let everything through.

    Nor does a trigger stop anything: those are asked before the wall is.
    """
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(f"alter table {table} disable trigger user".encode())
        wall.admin.execute(f"grant all on {table} to pat_application".encode())
        wall.admin.execute(
            f"create policy planted on {table} to pat_application using (true) with check (true)".encode()
        )
        with as_superuser(wall.admin, member.login, member.session if entered else None):
            yield wall.admin


@pytest.fixture
def member(wall: Wall) -> Member:
    return wall.member("cbo-b", Role.CASE_MANAGER)


def test_every_tenant_table_has_rows_of_both_organisations(wall: Wall) -> None:
    """A table without rows is a table that these tests do not test."""
    for table in TENANT:
        assert wall.rows.get(table, {}).get("cbo-a"), table
        assert wall.rows[table].get("cbo-b"), table


@pytest.mark.parametrize("table", TENANT)
def test_the_fence_alone_hides_every_row_of_another_organisation(
    wall: Wall, member: Member, table: str
) -> None:
    with wide_open(wall, table, member) as connection:
        seen = attempt(connection, f"select distinct organisation_id from {table}")
        assert seen == [(member.organisation,)]


@pytest.mark.parametrize("table", TENANT)
def test_the_fence_alone_keeps_another_organisations_rows_unchanged(
    wall: Wall, member: Member, table: str
) -> None:
    of_a = f"where organisation_id = '{wall.organisation('cbo-a')}'"
    with wide_open(wall, table, member) as connection:
        assert attempt(connection, f"update {table} set organisation_id = organisation_id {of_a}") == [(0,)]
        assert attempt(connection, f"delete from {table} {of_a}") == [(0,)]


@pytest.mark.parametrize("table", TENANT)
def test_the_fence_alone_lets_no_row_be_put_into_another_organisation(
    wall: Wall, member: Member, table: str
) -> None:
    row = next(iter(wall.rows[table]["cbo-a"].values()))
    with wide_open(wall, table, member) as connection:
        assert try_insert(connection, table, written_by(member, row)) == REFUSED


@pytest.mark.parametrize("table", TENANT)
def test_the_fence_alone_lets_no_row_be_moved_to_another_organisation(
    wall: Wall, member: Member, table: str
) -> None:
    column = "updated_by" if "updated_by" in metadata.tables[table].c else None
    signed = f", updated_by = '{member.person}'" if column else ""
    with wide_open(wall, table, member) as connection:
        moved = attempt(
            connection, f"update {table} set organisation_id = '{wall.organisation('cbo-a')}'{signed}"
        )
        assert moved == REFUSED


@pytest.mark.parametrize("table", DOMAIN)
def test_whoever_has_not_entered_reads_and_writes_nothing(wall: Wall, member: Member, table: str) -> None:
    with wide_open(wall, table, member, entered=False) as connection:
        assert attempt(connection, f"select count(*) from {table}") == [(0,)]
        assert attempt(connection, f"delete from {table}") == [(0,)]
        some = next(iter(wall.rows[table]["cbo-b"].values())) if table in wall.rows else a_row_of(table)
        assert try_insert(connection, table, some) == REFUSED


@pytest.mark.parametrize("table", TENANT)
def test_the_owner_of_the_tables_sees_no_row(wall: Wall, table: str) -> None:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("set local role pat_owner")
        assert attempt(wall.admin, f"select count(*) from {table}") == [(0,)]


AUTHORED = [name for name in TENANT if "created_by" in metadata.tables[name].c]
SIGNED = [name for name in TENANT if "updated_by" in metadata.tables[name].c]


@pytest.mark.parametrize("table", AUTHORED)
def test_a_row_bears_the_name_of_whoever_puts_it_in(wall: Wall, member: Member, table: str) -> None:
    row = written_by(member, next(iter(wall.rows[table]["cbo-b"].values())))
    colleague = wall.member("cbo-b", Role.ORGANISATION_ADMIN)
    with wide_open(wall, table, member) as connection:
        # Signed by herself, so that nothing but the author is another's.
        signed = {"updated_by": member.person} if table in SIGNED else {}
        assert try_insert(connection, table, {**row, **signed, "created_by": colleague.person}) == REFUSED
        if table in SIGNED:
            assert try_insert(connection, table, {**row, "updated_by": colleague.person}) == REFUSED
            assert try_insert(connection, table, {**row, "updated_by": None}) != REFUSED
        assert try_insert(connection, table, row) != REFUSED


@pytest.mark.parametrize("table", SIGNED)
def test_a_changed_row_bears_the_name_of_whoever_changed_it(wall: Wall, member: Member, table: str) -> None:
    colleague = wall.member("cbo-b", Role.ORGANISATION_ADMIN)
    with wide_open(wall, table, member) as connection:
        assert attempt(connection, f"update {table} set updated_by = '{colleague.person}'") == REFUSED
        assert attempt(connection, f"update {table} set updated_by = '{member.person}'") != REFUSED


OPENED = sorted({(door.owner, opening.table) for door in DOORS for opening in door.openings})


@pytest.mark.parametrize(("owner", "table"), OPENED)
def test_a_door_shows_nothing_to_whoever_has_not_entered(wall: Wall, owner: str, table: str) -> None:
    """Even a careless view of the door's owner, without any condition, when the owner may read everything."""
    goa = wall.member("goa", Role.DESTINATION_WORKER)
    shown = {}
    for session in (goa.session, None):
        with wall.admin.transaction(force_rollback=True):
            # Something has happened already.
            wall.admin.execute(
                "select trail.append(%s, null, 'tests.began', '{}', '{}')", (goa.organisation,)
            )
            wall.admin.execute(f"alter policy {owner} on {table} using (true)".encode())
            careless_view(wall, owner, table)
            with as_superuser(wall.admin, goa.login, session):
                shown[session] = attempt(wall.admin, "select count(*) > 0 from door.careless")
    assert shown == {goa.session: [(True,)], None: [(False,)]}


def try_insert(connection: Connection, table: str, row: Row) -> str | None:
    """The SQLSTATE with which a row is refused; None where it gets in, or where only a key stops it: the wall did not."""
    try:
        with connection.transaction(force_rollback=True):
            insert(connection, table, row)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def a_row_of(table: str) -> Row:
    """As much of a row as the wall needs to refuse it."""
    columns = metadata.tables[table].c
    return {"id": uuid4()} if "id" in columns else {columns.keys()[0]: ""}


def written_by(member: Member, row: Row) -> Row:
    """The row as the member would write it: only what is checked of the author is true."""
    mine = {"created_by": member.person, "updated_by": member.person, "person_id": member.person}
    return {name: mine.get(name, value) for name, value in row.items()}
