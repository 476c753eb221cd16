"""A partner that the secretariat has suspended: every door of its is shut, in both directions, and nobody but the secretariat opens it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.isolation.lines import read
from tests.support.made import author
from tests.support.people import CBOS, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view

from pat_auth.policy import Role

CBO_A, CBO_B, GOA, SECRETARIAT = (
    named("organisation", slug) for slug in ("cbo-a", "cbo-b", "goa", "secretariat")
)
DOOR = "pat_door_referral"
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
ADMIN = Role.SECRETARIAT_ADMIN
RECEIVED_VIEWS = ("proceedings", "hearings", "support", "cases", "identities", "contacts")
NOTED = (
    "select organisation_id, referral_id, case_id is null from app.referral_changes"
    " where transaction = pg_current_xact_id()::text::bigint"
)


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


@pytest.fixture
def named_too(admin: Connection) -> None:
    """Her referral shares who she is, too."""
    admin.execute("update app.referrals set scopes = scopes || '{IDENTITY_MINIMAL}' where id = %s", (HERS,))


def suspend(wall: Wall, partner: UUID, **values: Any) -> UUID:
    """A suspension by the secretariat, put there by whom row security does not bind."""
    row = {
        "organisation_id": SECRETARIAT,
        "id": uuid4(),
        "partner_id": partner,
        "reason": "COMPROMISED",
        "created_by": author("secretariat"),
        **values,
    }
    marks = ", ".join(["%s"] * len(row))
    wall.admin.execute(
        f"insert into app.partner_suspensions ({', '.join(row)}) values ({marks})".encode(),
        list(row.values()),
    )
    id: UUID = row["id"]
    return id


def lift(wall: Wall, suspension: UUID) -> None:
    wall.admin.execute("update app.partner_suspensions set lifted_at = now() where id = %s", (suspension,))


def statuses(wall: Wall) -> tuple[Any, ...]:
    """How ``hers`` of cbo-a to Goa stands: for its sender, its receiver, the secretariat, and in both sides' agreement."""
    asked = (
        ("cbo-a", Role.CASE_MANAGER, f"select status from door.referral_states where id = '{HERS}'"),
        (
            "goa",
            Role.DESTINATION_WORKER,
            f"select status from door.received_referrals where id = '{RECEIVED}'",
        ),
        (
            "secretariat",
            Role.SECRETARIAT_ANALYST,
            f"select status from door.network_referrals where from_organisation_id = '{CBO_A}' and to_organisation_id = '{GOA}'",
        ),
        ("cbo-a", Role.ORGANISATION_ADMIN, f"select status from door.agreements where partner_id = '{GOA}'"),
        ("goa", Role.DESTINATION_ADMIN, f"select status from door.agreements where partner_id = '{CBO_A}'"),
    )
    return tuple(status for slug, role, statement in asked for (status,) in read(wall, slug, role, statement))


OPEN = ("ACCEPTED", "ACCEPTED", "ACCEPTED", "LIVE", "LIVE")


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("partner", ["cbo-a", "goa"])
def test_whichever_side_is_suspended_everybody_sees_it_at_once_and_nobody_once_it_is_lifted(
    wall: Wall, partner: str
) -> None:
    assert statuses(wall) == OPEN
    suspension = suspend(wall, named("organisation", partner))
    assert statuses(wall) == ("SUSPENDED",) * 5
    lift(wall, suspension)
    assert statuses(wall) == OPEN


@pytest.mark.usefixtures("named_too")
@pytest.mark.parametrize("partner", ["cbo-a", "goa"])
def test_nothing_is_shown_of_a_case_while_either_side_is_suspended(wall: Wall, partner: str) -> None:
    def shown() -> dict[str, bool]:
        where = f"where referral_id = '{RECEIVED}'"
        return {
            view: bool(
                read(wall, "goa", Role.DESTINATION_WORKER, f"select 1 from door.received_{view} {where}")
            )
            for view in RECEIVED_VIEWS
        }

    before = shown()
    assert before == dict.fromkeys(RECEIVED_VIEWS, True) | {"contacts": False}
    suspension = suspend(wall, named("organisation", partner))
    assert shown() == dict.fromkeys(RECEIVED_VIEWS, False)
    lift(wall, suspension)
    assert shown() == before


@pytest.mark.usefixtures("admin")
def test_who_has_nothing_to_do_with_it_goes_on(wall: Wall) -> None:
    """Delhi is suspended, and the other CBO: what cbo-a shares with Goa stays open."""
    for other in ("delhi", "cbo-b"):
        suspend(wall, named("organisation", other))
    assert statuses(wall) == OPEN
    seen = read(wall, "cbo-b", Role.ORGANISATION_ADMIN, "select distinct status from door.agreements")
    # Delhi has signed nothing.
    assert set(seen) == {("SUSPENDED",), ("AWAITING_PARTNER",)}


@pytest.mark.usefixtures("admin")
def test_nothing_is_answered_reported_or_sent_while_it_is_in_force(wall: Wall) -> None:
    suspend(wall, GOA)
    worker, manager = wall.member("goa", Role.DESTINATION_WORKER), wall.member("cbo-a", Role.CASE_MANAGER)
    about = (GOA, CBO_A, RECEIVED, worker.person)
    with as_superuser(wall.admin, worker.login, worker.session):
        for table, columns, values in (
            ("referral_answers", "answer", "'COMPLETED'"),
            ("referral_hearings", "held_on, mode", "'2027-01-01', 'VIDEO'"),
        ):
            said = (
                f"insert into app.{table} (organisation_id, id, referral_organisation_id, referral_id, {columns}, created_by)"
                f" values (%s, gen_random_uuid(), %s, %s, {values}, %s)"
            )
            assert attempt(wall.admin, said, about) == "42501", table
    wall.admin.execute(
        "update app.referrals set state = 'CONSENT_RECORDED', consent_id = %s, agreed_until = now() + interval '1 day'"
        " where id = %s",
        (named("cbo-a", "consents", "hers"), HERS),
    )
    with as_superuser(wall.admin, manager.login, manager.session):
        sent = f"update app.referrals set state = 'SENT', sent_at = now() where id = '{HERS}'"
        assert attempt(wall.admin, sent) == "23514"


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("partner", ["cbo-a", "goa"])
def test_no_side_takes_it_back(wall: Wall, partner: str) -> None:
    """What it has signed stays as it is, whatever it signs."""
    suspend(wall, named("organisation", partner))
    for slug, role, other in (
        ("cbo-a", Role.ORGANISATION_ADMIN, GOA),
        ("goa", Role.DESTINATION_ADMIN, CBO_A),
    ):
        member = wall.member(slug, role)
        with as_superuser(wall.admin, member.login, member.session):
            signed = (
                "update app.agreements set suspended_at = null, valid_from = now() - interval '1 day', updated_by = %s"
                " where partner_id = %s"
            )
            assert attempt(wall.admin, signed, (member.person, other)) == [(1,)]
            lifted = "update app.partner_suspensions set lifted_at = now()"
            for statement in (lifted, "select 1 from app.partner_suspensions"):
                assert attempt(wall.admin, statement) == "42501"
    assert statuses(wall) == ("SUSPENDED",) * 5


@pytest.mark.usefixtures("admin")
def test_the_secretariat_suspends_and_lifts_once_and_changes_nothing_else(wall: Wall) -> None:
    member = wall.member("secretariat", ADMIN)
    put = (
        "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by)"
        " values (%s, gen_random_uuid(), %s, %s, %s)"
    )
    with as_superuser(wall.admin, member.login, member.session):
        assert attempt(wall.admin, put, (SECRETARIAT, GOA, "COMPROMISED", member.person)) == [(1,)]
        again = attempt(wall.admin, put, (SECRETARIAT, GOA, "CLOSED", member.person))
        itself = attempt(wall.admin, put, (SECRETARIAT, SECRETARIAT, "CLOSED", member.person))
        unknown = attempt(wall.admin, put, (SECRETARIAT, uuid4(), "CLOSED", member.person))
        no_reason = attempt(wall.admin, put, (SECRETARIAT, CBO_A, "OTHER", member.person))
        another = attempt(wall.admin, put, (SECRETARIAT, CBO_A, "CLOSED", uuid4()))
        for_others = attempt(wall.admin, put, (CBO_B, CBO_A, "CLOSED", member.person))
        assert (again, itself, unknown, no_reason) == ("23505", "23514", "23503", "23514")
        assert (another, for_others) == ("42501", "42501")
        for column in ("organisation_id", "partner_id", "reason", "created_by", "created_at"):
            assert attempt(wall.admin, f"update app.partner_suspensions set {column} = {column}") == "42501"
        lifted = "update app.partner_suspensions set lifted_at = now(), updated_by = %s where partner_id = %s"
        assert attempt(wall.admin, lifted, (uuid4(), GOA)) == "42501"
        assert attempt(wall.admin, lifted, (member.person, GOA)) == [(1,)]
        # What was lifted stays so: suspended again it is another one.
        taken_back = (
            "update app.partner_suspensions set lifted_at = null, updated_by = %s where partner_id = %s"
        )
        assert attempt(wall.admin, taken_back, (member.person, GOA)) == [(0,)]
        assert attempt(wall.admin, put, (SECRETARIAT, GOA, "CLOSED", member.person)) == [(1,)]


def test_an_organisation_is_told_of_itself_alone_and_nobody_why(wall: Wall, admin: Connection) -> None:
    suspension = suspend(wall, GOA)
    ours = "select id from door.our_suspensions where lifted_at is null"
    for slug, role, told in (
        ("goa", Role.DESTINATION_ADMIN, [(suspension,)]),
        ("cbo-a", Role.ORGANISATION_ADMIN, []),
        ("delhi", Role.DESTINATION_ADMIN, []),
        ("cbo-b", Role.ORGANISATION_ADMIN, []),
    ):
        assert list(read(wall, slug, role, ours)) == told, slug
        admin.execute(f"alter policy {DOOR} on app.partner_suspensions using (true)".encode())
        assert list(read(wall, slug, role, ours)) == told, slug
    columns = admin.execute(
        "select attname from pg_attribute where attrelid = 'app.partner_suspensions'::regclass and attnum > 0"
        " and has_column_privilege(%s, attrelid, attnum, 'select')",
        (DOOR,),
    ).fetchall()
    assert {name for (name,) in columns} == {"id", "partner_id", "created_at", "lifted_at"}


def test_the_doors_owner_reads_of_suspensions_the_callers_own_and_its_partners(
    wall: Wall, admin: Connection
) -> None:
    for slug in ("goa", "delhi", *CBOS):
        suspend(wall, named("organisation", slug))
    careless_view(wall, DOOR, "app.partner_suspensions")
    partners = {"goa": {"goa", "cbo-a", "cbo-b"}, "cbo-a": {"cbo-a", "cbo-b", "goa", "delhi"}}
    for slug, role in (("goa", Role.DESTINATION_WORKER), ("cbo-a", Role.COUNSELLOR)):
        seen = read(wall, slug, role, "select distinct partner_id from door.careless where lifted_at is null")
        assert set(seen) == {(named("organisation", each),) for each in partners[slug]}, slug
    # Who has withdrawn from an agreement has nothing signed with anybody.
    admin.execute("delete from app.agreements where %s in (organisation_id, partner_id)", (GOA,))
    seen = read(wall, "goa", Role.DESTINATION_WORKER, "select distinct partner_id from door.careless")
    assert set(seen) == {(GOA,)}


def test_both_sides_of_each_referral_of_a_partner_are_woken_and_nobody_else(
    wall: Wall, admin: Connection
) -> None:
    suspension = suspend(wall, GOA)
    sent = {
        (organisation, named(slug, "referrals", label), False)
        for slug, organisation in (("cbo-a", CBO_A), ("cbo-b", CBO_B))
        for label in ("hers", "ours")
    }
    received = {(GOA, named(slug, "received", label), True) for slug in CBOS for label in ("hers", "ours")}
    noted = admin.execute(NOTED).fetchall()
    assert set(noted) == sent | received
    assert len(noted) == len(sent | received)
    # Who lifts it wakes them again; whatever else is changed wakes nobody.
    admin.execute("update app.partner_suspensions set updated_by = created_by where id = %s", (suspension,))
    assert len(admin.execute(NOTED).fetchall()) == len(noted)
    lift(wall, suspension)
    assert len(admin.execute(NOTED).fetchall()) == 2 * len(noted)


@pytest.mark.usefixtures("admin")
def test_a_partner_that_sends_is_woken_too(wall: Wall) -> None:
    suspend(wall, CBO_A)
    noted = {(organisation, referral) for organisation, referral, _ in wall.admin.execute(NOTED).fetchall()}
    # What cbo-b sent it, and what it sent to cbo-b and to Goa.
    assert {
        (CBO_A, HERS),
        (GOA, RECEIVED),
        (CBO_A, named("cbo-b", "received", "exchanged")),
        (CBO_B, named("cbo-b", "referrals", "exchanged")),
        (CBO_B, named("cbo-a", "received", "exchanged")),
    } <= noted
    assert (CBO_B, named("cbo-b", "referrals", "hers")) not in noted


def test_it_is_asked_once_for_each_statement(admin: Connection) -> None:
    """However many referrals are listed: as an initial plan, and not beside each row."""
    lines = [
        line for (line,) in admin.execute("explain (costs off) select * from door.referral_states").fetchall()
    ]
    scans = [number for number, line in enumerate(lines) if "on partner_suspensions" in line]
    assert scans
    assert all("InitPlan" in lines[number - 1] for number in scans), lines
