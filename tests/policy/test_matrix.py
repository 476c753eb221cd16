"""Every role, every permission, every command on every table, on every row: the database does what POLICY says, and no more.

What a reach covers is written in ``covers.py``, by hand. That POLICY itself is right is for the nevers to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from uuid import uuid4

import psycopg
import pytest
from tests.policy.covers import RECEIVERS_OWN, Key, covered, key_columns
from tests.support.events import put_events
from tests.support.people import Member, Row
from tests.support.wall import Connection, Wall, as_superuser, attempt, insert

from pat_auth.policy import POLICY, Permission, Reach, Role
from pat_platform.database.models import TableKind
from pat_tenants.isolation.access import ACCESS, Access, Command
from pat_tenants.isolation.doors import DOORS
from pat_tenants.isolation.listed import HIDDEN_VIEWS
from pat_tenants.tables import metadata

TABLES = sorted(t.fullname for t in metadata.tables.values() if t.info["kind"] is not TableKind.SECURITY)
SERVES = {view.name: view.reaches for door in DOORS for view in door.views if view.reaches}
VIEWS = sorted(view.name for door in DOORS for view in door.views)
REFUSED = "42501"


@pytest.fixture(autouse=True, scope="module")
def _known_changes(wall: Wall) -> None:
    """What other tests have changed of referrals was noted for both sides, and stays so."""
    sent = [row for labelled in wall.rows["app.referrals"].values() for row in labelled.values()]
    known = [(row["organisation_id"], row["id"]) for row in sent]
    known += [(row["to_organisation_id"], row["received_id"]) for row in sent]
    for noted in ("changes", "steps"):
        wall.admin.execute(
            f"delete from app.referral_{noted} c where (c.organisation_id, c.referral_id) not in"
            " (select * from unnest(%s::uuid[], %s::uuid[]))".encode(),
            ([organisation for organisation, _ in known], [referral for _, referral in known]),
        )


@pytest.fixture(autouse=True)
def _events(wall: Wall) -> Iterator[None]:
    with put_events(wall):
        yield


def granted(role: Role, relation: str, command: Command) -> list[tuple[Reach, Access]]:
    """What POLICY gives a role on a relation: how far, and which columns."""
    return [
        (reaches[role], access)
        for permission, reaches in POLICY.items()
        if role in reaches
        for access in ACCESS[permission]
        if (access.table, access.command) == (relation, command)
    ]


def allowed(wall: Wall, me: Member, relation: str, command: Command) -> set[Key]:
    """The keys of the rows that the member may read or write."""
    reaches = {reach for reach, _ in granted(me.role, relation, command)}
    return {key for key, covering in covered(wall, relation, me).items() if covering & reaches}


def test_every_permission_opens_something() -> None:
    assert set(ACCESS) == set(Permission) == set(POLICY)
    assert all(ACCESS.values())


def test_every_reach_covers_a_row_and_every_table_has_one_that_is_covered(wall: Wall) -> None:
    """Else a cell of the matrix would hold because there is nothing to see."""
    me = wall.member("cbo-a", Role.SURVIVOR)
    of_me = {
        relation: covered(wall, relation, me)
        for relation in (*TABLES, *VIEWS)
        if relation not in HIDDEN_VIEWS
    }
    assert all(of_me.values())
    reaches = chain.from_iterable(chain.from_iterable(rows.values() for rows in of_me.values()))
    assert set(reaches) == set(Reach)


@pytest.mark.parametrize("role", Role)
def test_a_role_reads_what_its_permissions_cover(wall: Wall, role: Role) -> None:
    me = wall.member("cbo-a", role)
    wrong = {}
    with wall.acting(me) as connection:
        for relation in (*TABLES, *VIEWS):
            columns = ", ".join(key_columns(relation))
            seen = keys(connection, f"select {columns} from {relation}")
            expected = allowed(wall, me, relation, Command.SELECT)
            if seen != expected:
                wrong[relation] = (seen - expected, expected - seen)
    assert wrong == {}


def keys(connection: Connection, statement: str) -> set[Key]:
    """The rows of a statement; none where it is refused."""
    try:
        with connection.transaction():
            return set(connection.execute(statement.encode()).fetchall())
    except psycopg.errors.InsufficientPrivilege:
        return set()


@pytest.mark.parametrize("role", Role)
def test_a_role_inserts_where_its_permissions_cover(wall: Wall, role: Role) -> None:
    me = wall.member("cbo-a", role)
    wrong = []
    with wall.acting(me) as connection:
        for table, row in every_row(wall):
            key = tuple(row[name] for name in key_columns(table))
            expected = key in allowed(wall, me, table, Command.INSERT)
            if inserted(connection, table, sent(role, table, written_by(me, row))) is not expected:
                wrong.append((table, row, expected))
    assert wrong == []


def every_row(wall: Wall) -> Iterator[tuple[str, Row]]:
    for table in TABLES:
        for labelled in wall.rows.get(table, {}).values():
            for row in labelled.values():
                yield table, row


def written_by(me: Member, row: Row) -> Row:
    """The same row again, under another id where it has one, by the member: a key may refuse it, the wall is asked first."""
    mine: dict[str, object] = {"created_by": me.person, "updated_by": me.person, "id": uuid4()}
    if "received_id" in row:
        # A referral begins as a draft, about which nothing has been done.
        mine |= {"state": "DRAFT", "sent_at": None, "ended_at": None, "reason": None}
    if "giver" in row and me.role is not Role.SURVIVOR:
        # Only she agrees in the app.
        row = {**row, "mode": "SIGNATURE", "evidence": "paper"}
    return {name: mine.get(name, value) for name, value in row.items()}


def sent(role: Role, table: str, row: Row) -> Row:
    """What the role may say of the row itself; the database says the rest."""
    accesses = [access for _, access in granted(role, table, Command.INSERT)]
    if not accesses or any(access.columns is None for access in accesses):
        return row
    columns = set(chain.from_iterable(access.columns or () for access in accesses))
    return {name: value for name, value in row.items() if name in columns}


def inserted(connection: Connection, table: str, row: Row) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            insert(connection, table, row)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.errors.UniqueViolation:
        return True
    except psycopg.errors.CheckViolation as refused:
        # What was answered is not answered again: the trigger says so before the key does.
        return refused.diag.constraint_name == "transition"
    return True


@pytest.mark.parametrize("role", Role)
def test_a_role_updates_what_its_permissions_cover(wall: Wall, role: Role) -> None:
    me = wall.member("cbo-a", role)
    wrong = []
    with wall.acting(me) as connection:
        for table, row in every_row(wall):
            key = tuple(row[name] for name in key_columns(table))
            # What has ended stays so: nobody changes it any more.
            expected = key in allowed(wall, me, table, Command.UPDATE) and not {
                "ended_at",
                "lifted_at",
            } & set(row)
            if updated(connection, me, table, key) is not expected:
                wrong.append((table, row, expected))
    assert wrong == []


def updated(connection: Connection, me: Member, table: str, key: Key) -> bool:
    """Change what the role may change, or, where it may change nothing, try another column."""
    accesses = [access for _, access in granted(me.role, table, Command.UPDATE)]
    columns = list(dict.fromkeys(chain.from_iterable(access.columns or () for access in accesses)))
    changes = [f"{name} = {name}" for name in columns if name != "updated_by"] or [
        f"{key_columns(table)[0]} = null"
    ]
    if "updated_by" in columns:
        changes.append(f"updated_by = '{me.person}'")
    where = " and ".join(f"{name} = '{value}'" for name, value in zip(key_columns(table), key, strict=True))
    try:
        with connection.transaction(force_rollback=True):
            statement = f"update {table} set {', '.join(changes)} where {where}"
            return connection.execute(statement.encode()).rowcount == 1
    except psycopg.errors.InsufficientPrivilege:
        return False


@pytest.mark.parametrize("role", Role)
def test_a_role_deletes_nothing(wall: Wall, role: Role) -> None:
    with wall.acting(wall.member("cbo-a", role)) as connection:
        for table in TABLES:
            assert attempt(connection, f"delete from {table}") == REFUSED
            assert attempt(connection, f"truncate {table}") == REFUSED


@pytest.mark.parametrize("role", Role)
def test_a_role_holds_the_columns_that_its_permissions_name(wall: Wall, role: Role) -> None:
    """Column by column, for every command: no column is granted that no permission names."""
    held, columns = columns_held(wall, role)
    for relation in (*TABLES, *VIEWS):
        for command in Command:
            named = [
                access.columns or columns[relation]
                for reach, access in granted(role, relation, command)
                if opens(relation, reach)
            ]
            assert held.get((relation, command), set()) == set(chain.from_iterable(named)), (
                relation,
                command,
            )


def columns_held(wall: Wall, role: Role) -> tuple[dict[tuple[str, str], set[str]], dict[str, set[str]]]:
    """The columns that a role holds, by relation and command; and all columns, by relation."""
    found = wall.admin.execute(
        "select c.oid::regclass::text, a.attname, array(select k from unnest(%s::text[]) k"
        " where has_column_privilege(%s, c.oid, a.attnum, k))"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.oid = any(%s::regclass[]::oid[])",
        ([command.value for command in Command], f"pat_{role}", [*TABLES, *VIEWS]),
    ).fetchall()
    held: dict[tuple[str, str], set[str]] = {}
    columns: dict[str, set[str]] = {}
    for relation, column, commands in found:
        columns.setdefault(relation, set()).add(column)
        for command in commands:
            held.setdefault((relation, command), set()).add(column)
    return held, columns


def opens(relation: str, reach: Reach) -> bool:
    """Two kinds of relation are for one side of a referral alone: what a receiver writes and receives, and what a sender gets."""
    if relation in SERVES:
        return reach in SERVES[relation]
    of_receivers = relation.startswith("door.received_") or relation in RECEIVERS_OWN
    of_senders = relation in (
        "door.referral_states",
        "door.sent_answers",
        "door.sent_hearings",
        "door.sent_updates",
        "app.referrals",
        "app.referral_steps",
        "app.hearings",
        "app.hearing_confirmations",
        "app.legal_proceedings",
    )
    return not ((of_receivers and reach is not Reach.RECEIVED) or (of_senders and reach is Reach.RECEIVED))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SURVIVOR])
def test_who_is_a_survivor_here_too_sees_her_own_memberships_and_no_other_survivors(
    wall: Wall, role: Role
) -> None:
    """Two permissions open memberships: that she sees herself, and that she sees her colleagues, of whom survivors are none."""
    me, hers = wall.member("cbo-a", role), wall.member("cbo-a", Role.SURVIVOR)
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "update app.memberships set person_id = %s where id = %s", (me.person, hers.membership)
        )
        with as_superuser(wall.admin, me.login, me.session):
            survivors = attempt(wall.admin, "select id from app.memberships where role = 'survivor'")
    assert survivors == [(hers.membership,)]


@pytest.mark.parametrize("role", Role)
def test_a_caseload_is_the_callers_own_also_if_all_assignments_could_be_read(wall: Wall, role: Role) -> None:
    """Which assignments count is said where they are asked for, whoever may read them."""
    me, wrong = wall.member("cbo-a", role), []
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            f"grant select on app.case_assignments to pat_{role};"
            f" create policy planted on app.case_assignments for select to pat_{role} using (true)".encode()
        )
        with as_superuser(wall.admin, me.login, me.session):
            for table in TABLES:
                if table == "app.case_assignments":
                    continue
                columns = ", ".join(key_columns(table))
                if keys(wall.admin, f"select {columns} from {table}") != allowed(
                    wall, me, table, Command.SELECT
                ):
                    wrong.append((table, Command.SELECT))
            for table, row in every_row(wall):
                key = tuple(row[name] for name in key_columns(table))
                if granted(role, table, Command.INSERT):
                    expected = key in allowed(wall, me, table, Command.INSERT)
                    if inserted(wall.admin, table, sent(role, table, written_by(me, row))) is not expected:
                        wrong.append((table, Command.INSERT))
                if granted(role, table, Command.UPDATE):
                    ended = {"ended_at", "lifted_at"} & set(row)
                    expected = key in allowed(wall, me, table, Command.UPDATE) and not ended
                    if updated(wall.admin, me, table, key) is not expected:
                        wrong.append((table, Command.UPDATE))
    assert wrong == []
