"""The secretariat's door: every referral of the network that was sent, how it stands, and nothing of what is behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from tests.isolation.lines import LINES, put_lines, read
from tests.support.people import named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view

from pat_auth.policy import Role
from pat_tenants.isolation.network_doors import NETWORK_REFERRALS
from pat_tenants.tables import metadata

ROLES = (Role.SECRETARIAT_ADMIN, Role.SECRETARIAT_ANALYST, Role.AUDITOR)
VIEW = "door.network_referrals"
COLUMNS = {"id", "from_organisation_id", "to_organisation_id", "status", "month"}


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction, which is rolled back."""
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


def ids(wall: Wall, slug: str, role: Role = Role.SECRETARIAT_ANALYST) -> set[UUID]:
    return {key for (key,) in read(wall, slug, role, f"select id from {VIEW}")}


@pytest.mark.usefixtures("admin")
def test_every_referral_that_was_sent_is_there_once_as_both_sides_see_it(wall: Wall) -> None:
    put_lines(wall)
    expected = Counter(
        (wall.organisation(line.slug), wall.organisation(line.to), line.status)
        for line in LINES
        if line.is_sent
    )
    for role in ROLES:
        rows = f"select from_organisation_id, to_organisation_id, status from {VIEW}"
        assert read(wall, "secretariat", role, rows) == expected
    # Both senders use the same ids: a name that forgot the sender would be there twice.
    assert len(ids(wall, "secretariat")) == expected.total()


@pytest.mark.parametrize(
    ("sent", "month"),
    [
        ("2026-03-31 18:29:59Z", date(2026, 3, 1)),
        ("2026-03-31 18:30:00Z", date(2026, 4, 1)),
        ("2026-04-30 18:29:59Z", date(2026, 4, 1)),
    ],
)
def test_a_month_is_the_months_in_india_and_no_day_is_told(
    wall: Wall, admin: Connection, sent: str, month: date
) -> None:
    admin.execute(
        "update app.referrals set sent_at = %s where state = 'SENT'", (datetime.fromisoformat(sent),)
    )
    seen = read(wall, "secretariat", Role.SECRETARIAT_ANALYST, f"select distinct month from {VIEW}")
    assert list(seen) == [(month,)]


@pytest.mark.usefixtures("admin")
def test_a_row_has_another_name_for_each_who_looks_and_none_that_anybody_knows(wall: Wall) -> None:
    """Neither the sender's id nor the receiver's, nor what either could make of the one that it knows."""
    ours, theirs = ids(wall, "cbo-a"), ids(wall, "secretariat")
    assert len(ours) == len(theirs) > 1
    assert not ours & theirs
    known = {
        row[column]
        for rows in wall.rows.values()
        for labelled in rows.values()
        for row in labelled.values()
        for column in row
        if isinstance(row[column], UUID)
    }
    assert not known & theirs
    half = (
        "select encode(substring(sha256({known}) for 16), 'hex')::uuid from app.referrals r,"
        " (select %s::uuid as reader) v"
    )
    for parts in product(
        ("uuid_send(r.organisation_id) || ", ""),
        ("uuid_send(r.id)", "uuid_send(r.received_id)"),
        (" || uuid_send(v.reader)", ""),
    ):
        made = wall.admin.execute(
            half.format(known="".join(parts)).encode(), (wall.organisation("secretariat"),)
        ).fetchall()
        assert not {key for (key,) in made} & theirs


def test_nothing_of_a_person_or_of_what_is_asked_for_is_within_the_owners_reach(wall: Wall) -> None:
    """Not because the view leaves it out: column by column, over all tables."""
    held = wall.admin.execute(
        "select c.oid::regclass::text, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " and a.attnum > 0 and not a.attisdropped where c.oid = any(%s::regclass[]::oid[])"
        " and has_column_privilege(%s, c.oid, a.attnum, 'select, insert, update, references')",
        ([table.fullname for table in metadata.tables.values()], NETWORK_REFERRALS.owner),
    ).fetchall()
    assert {
        *held,
    } == {
        *product(
            ["app.referrals"],
            ("organisation_id", "id", "received_id", "to_organisation_id", "state", "consent_id"),
        ),
        *product(["app.referrals"], ("basis_id", "agreed_until", "sent_at")),
        *product(
            ["app.referral_answers"],
            ("organisation_id", "referral_organisation_id", "referral_id", "answer"),
        ),
        *product(
            ["app.agreements"],
            ("organisation_id", "partner_id", "valid_from", "valid_until", "suspended_at"),
        ),
        *product(["app.partner_suspensions"], ("partner_id", "lifted_at")),
        *product(["app.consents"], ("organisation_id", "id", "valid_until")),
        *product(
            ["app.legal_bases"],
            ("organisation_id", "id", "kind", "valid_until", "approved_at", "ended_at"),
        ),
        *product(["app.consent_withdrawals"], ("organisation_id", "consent_id")),
    }
    columns = wall.admin.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", (VIEW,)
    ).fetchall()
    assert {name for (name,) in columns} == COLUMNS


CARELESS = [opening.table for opening in NETWORK_REFERRALS.openings]


def shown(connection: Connection, wall: Wall, role: Role, *, entered: bool = True) -> int:
    """How many rows a careless view shows."""
    member = wall.member("cbo-a", role)
    with as_superuser(connection, member.login, member.session if entered else None):
        found = attempt(connection, "select count(*) from door.careless")
        assert not isinstance(found, str), found
        return int(found[0][0])


@pytest.mark.parametrize("table", CARELESS)
def test_also_a_careless_view_shows_rows_to_the_secretariat_and_to_nobody_else(
    wall: Wall, admin: Connection, table: str
) -> None:
    careless_view(wall, NETWORK_REFERRALS.owner, table)
    # Whoever has not entered sees none; a setting outlives the transaction's login.
    assert shown(admin, wall, Role.SECRETARIAT_ANALYST, entered=False) == 0
    assert {role for role in Role if shown(admin, wall, role)} == set(ROLES)


def test_drafts_are_not_there(wall: Wall, admin: Connection) -> None:
    careless_view(wall, NETWORK_REFERRALS.owner, "app.referrals")
    for state in ("DRAFT", "CONSENT_RECORDED"):
        admin.execute("update app.referrals set state = %s, agreed_until = now()", (state,))
        assert shown(admin, wall, Role.SECRETARIAT_ANALYST) == 0
        assert ids(wall, "secretariat") == set()


@pytest.mark.parametrize("role", ROLES)
def test_the_door_closes_with_the_session(wall: Wall, admin: Connection, role: Role) -> None:
    member = wall.member("secretariat", role)
    assert ids(wall, "secretariat", role)
    admin.execute("update sec.sessions set revoked_at = now() where id = %s", (member.session,))
    admin.execute("select set_config('pat.session', '', true)")
    with as_superuser(admin, member.login, None):
        assert attempt(admin, f"select count(*) from {VIEW}") == [(0,)]


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_changed_through_the_door_and_nothing_read_behind_it(wall: Wall, role: Role) -> None:
    statements: list[Any] = [
        f"update {VIEW} set status = 'CLOSED'",
        f"delete from {VIEW}",
        f"insert into {VIEW} (status) values ('SENT')",
        # Whom the secretariat itself has suspended it knows.
        *(f"select 1 from {table}" for table in CARELESS if table != "app.partner_suspensions"),
        "select 1 from door.all_agreements",
        "select 1 from door.received_referrals",
    ]
    with wall.acting(wall.member("secretariat", role)) as connection:
        for statement in statements:
            assert attempt(connection, statement) in ("42501", "55000"), statement


@pytest.mark.usefixtures("admin")
def test_the_name_of_a_row_stays_the_same(wall: Wall) -> None:
    """Pages follow each other by it."""
    assert ids(wall, "secretariat") == ids(wall, "secretariat", Role.AUDITOR)
    assert named("cbo-a", "referrals", "hers") not in ids(wall, "secretariat")
