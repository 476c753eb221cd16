"""A sender confirms its end of a link: for days that the receivers of its own referrals report, while these are open, and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.hearings.test_rules import NO_OFFICES, OFFICES
from tests.isolation.lines import read
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view, insert

from pat_auth.policy import Role

REFUSED = "42501"
TABLE = "app.hearing_confirmations"
CBO_A, CBO_B, GOA = (named("organisation", slug) for slug in ("cbo-a", "cbo-b", "goa"))
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
DAY = named("goa", "referral_hearings", "cbo-a/hers")
ABOUT = ("hearings", "answers", "updates", "assignments")
NOTED = (
    "select organisation_id, referral_id, is_of_hearings from app.referral_changes"
    " where transaction = pg_current_xact_id()::text::bigint"
)


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


def confirm(wall: Wall, who: Member, **values: Any) -> list[tuple[Any, ...]] | str:
    """What becomes of it, as if nothing had been confirmed before."""
    wall.admin.execute(f"delete from {TABLE}".encode())
    row = {**wall.rows[TABLE]["cbo-a"]["hers"], "created_by": who.person, "updated_by": who.person, **values}
    columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with as_superuser(wall.admin, who.login, who.session):
        said = f"insert into {TABLE} ({columns}) values ({marks})"
        return attempt(wall.admin, said, list(row.values()))


@pytest.fixture
def manager(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    ("role", "number", "may"),
    [
        (Role.CASE_MANAGER, 1, True),
        (Role.SOCIAL_WORKER, 1, True),
        (Role.SOCIAL_WORKER, 2, False),
        (Role.LEGAL_AID, 1, True),
        (Role.ORGANISATION_ADMIN, 1, False),
        (Role.COUNSELLOR, 1, False),
        (Role.SURVIVOR, 1, False),
    ],
)
def test_who_works_on_her_case_confirms(wall: Wall, role: Role, number: int, may: bool) -> None:
    assert confirm(wall, wall.member("cbo-a", role, number)) == ([(1,)] if may else REFUSED)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    "values",
    [
        {"hearing_id": uuid4()},
        # What cbo-b is told by Goa, and what it reports itself.
        {"hearing_id": named("goa", "referral_hearings", "cbo-b/hers")},
        {"hearing_id": named("cbo-b", "referral_hearings", "cbo-a/exchanged")},
        {"hearing_organisation_id": CBO_B},
        {"referral_id": named("cbo-a", "referrals", "exchanged")},
        {"case_id": named("cbo-a", "cases", "ours"), "survivor_id": named("cbo-a", "survivors", "ours")},
        {"organisation_id": CBO_B},
        {"created_by": uuid4()},
    ],
)
def test_a_day_that_is_not_told_under_this_referral_is_refused_like_one_that_is_not_there(
    wall: Wall, manager: Member, values: dict[str, UUID]
) -> None:
    assert confirm(wall, manager, **values) == REFUSED


@pytest.mark.usefixtures("admin")
def test_who_she_is_is_the_cases(wall: Wall, manager: Member) -> None:
    assert confirm(wall, manager, survivor_id=named("cbo-a", "survivors", "ours")) == "23503"


@pytest.mark.parametrize(
    "change",
    [
        f"update app.referral_hearings set mode = 'PHYSICAL' where id = '{DAY}'",
        *(
            f"update app.referral_hearings set state = '{state}', next_on = held_on + 9 where id = '{DAY}'"
            for state in ("HELD", "ADJOURNED")
        ),
        *(
            f"update app.referral_hearings set state = '{state}' where id = '{DAY}'"
            for state in ("MISSED", "CANCELLED")
        ),
        *(
            f"update app.referrals set state = '{state}' where id = '{HERS}'"
            for state in ("SUSPENDED", "REVOKED")
        ),
        f"update app.referrals set agreed_until = now() where id = '{HERS}'",
        f"delete from app.referral_answers where referral_id = '{RECEIVED}'",
        "update app.agreements set suspended_at = now()",
    ],
)
def test_what_is_over_or_not_open_is_not_confirmed_anew(
    wall: Wall, admin: Connection, manager: Member, change: str
) -> None:
    assert confirm(wall, manager) == [(1,)]
    admin.execute(change.encode())
    again = f"update {TABLE} set has_coordinator = true, updated_by = %s where hearing_id = %s"
    with as_superuser(admin, manager.login, manager.session):
        assert attempt(admin, again, (manager.person, DAY)) == REFUSED
    assert confirm(wall, manager) == REFUSED


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("state", ["SCHEDULED", "VC_REQUESTED", "VC_CONFIRMED", "READY"])
def test_a_newer_word_replaces_the_one_before_as_long_as_the_day_is_to_come(
    wall: Wall, manager: Member, state: str
) -> None:
    wall.admin.execute("update app.referral_hearings set state = %s where id = %s", (state, DAY))
    assert confirm(wall, manager) == [(1,)]
    with as_superuser(wall.admin, manager.login, manager.session):
        said = f"update {TABLE} set remote_point = 'District court', updated_by = %s where hearing_id = %s"
        assert attempt(wall.admin, said, (manager.person, DAY)) == [(1,)]
        assert attempt(wall.admin, said, (uuid4(), DAY)) == REFUSED
        for column in (
            "hearing_id",
            "hearing_organisation_id",
            "referral_id",
            "case_id",
            "survivor_id",
            "created_by",
        ):
            assert attempt(wall.admin, f"update {TABLE} set {column} = {column}") == REFUSED
    seen = "select remote_point from door.received_confirmations"
    assert list(read(wall, "goa", Role.DESTINATION_WORKER, seen)) == [("District court",)]


@pytest.mark.usefixtures("admin")
def test_a_number_is_no_office(wall: Wall, manager: Member) -> None:
    assert confirm(wall, manager, remote_point="DLSA 9830012345") == "23514"
    assert confirm(wall, manager, remote_point="court" + "x" * 116) == "23514"
    # Nor are words: the receiver would read them.
    for words in NO_OFFICES:
        assert confirm(wall, manager, remote_point=words) == "23514"
    for name in OFFICES:
        assert confirm(wall, manager, remote_point=name) == [(1,)]
        wall.admin.execute(f"delete from {TABLE}".encode())
    assert confirm(wall, manager, remote_point=None) == "23502"
    assert confirm(wall, manager, support_person="Anjali") == "23514"


def test_the_receiver_sees_it_while_hearings_are_shared_and_nobody_else(
    wall: Wall, admin: Connection
) -> None:
    seen = "select hearing_id from door.received_confirmations"
    hers = [(DAY,), (named("goa", "referral_hearings", "cbo-b/hers"),)]
    assert sorted(read(wall, "goa", Role.DESTINATION_WORKER, seen)) == sorted(hers)
    assert not read(wall, "delhi", Role.DESTINATION_WORKER, seen)
    for change in (
        "update app.referrals set scopes = array['LEGAL_STATUS']",
        "update app.referrals set agreed_until = now()",
        "delete from app.referral_answers",
    ):
        with admin.transaction(force_rollback=True):
            admin.execute(change.encode())
            assert not read(wall, "goa", Role.DESTINATION_WORKER, seen), change
    # What the door's owner may read is what is about the caller's own days; the view holds without that.
    with admin.transaction(force_rollback=True):
        careless_view(wall, "pat_door_referral", TABLE)
        careless = "select hearing_id from door.careless"
        assert sorted(read(wall, "goa", Role.DESTINATION_WORKER, careless)) == sorted(hers)
        assert not read(wall, "delhi", Role.DESTINATION_WORKER, careless)
    admin.execute(f"alter policy pat_door_referral on {TABLE} using (true)".encode())
    assert sorted(read(wall, "goa", Role.DESTINATION_WORKER, seen)) == sorted(hers)
    assert not read(wall, "delhi", Role.DESTINATION_WORKER, seen)


def test_while_a_hold_is_in_force_it_is_hidden_from_herself(wall: Wall, admin: Connection) -> None:
    seen = f"select hearing_id from {TABLE}"
    assert list(read(wall, "cbo-a", Role.SURVIVOR, seen)) == [(DAY,)]
    admin.execute(
        "insert into app.safety_holds (organisation_id, id, survivor_id, created_by) values (%s, %s, %s, %s)",
        (CBO_A, uuid4(), named("cbo-a", "survivors", "hers"), uuid4()),
    )
    assert not read(wall, "cbo-a", Role.SURVIVOR, seen)


def test_a_confirmation_is_told_to_both_sides(wall: Wall, admin: Connection) -> None:
    admin.execute(f"update {TABLE} set has_coordinator = false where hearing_id = '{DAY}'".encode())
    assert set(admin.execute(NOTED).fetchall()) == {(CBO_A, HERS, False), (GOA, RECEIVED, True)}


def test_a_day_that_the_sender_writes_down_is_told_to_the_receivers_of_its_case(
    wall: Wall, admin: Connection
) -> None:
    hearing = dict(wall.rows["app.hearings"]["cbo-a"]["hers"])
    for statement in ("update", "insert"):
        with admin.transaction(force_rollback=True):
            if statement == "insert":
                insert(admin, "app.hearings", {**hearing, "id": uuid4()})
            else:
                admin.execute("update app.hearings set state = 'CANCELLED' where id = %s", (hearing["id"],))
            assert set(admin.execute(NOTED).fetchall()) == {(GOA, RECEIVED, True)}
    # Of a case that nobody was asked about nobody is told.
    with admin.transaction(force_rollback=True):
        for name in ("hearing_confirmations", *(f"referral_{each}" for each in ABOUT), "referrals"):
            admin.execute(f"delete from app.{name}".encode())
        admin.execute("update app.hearings set state = 'CANCELLED'")
        assert not admin.execute(NOTED).fetchall()


@pytest.mark.parametrize("role", [Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN])
def test_a_receiver_is_told_of_days_in_court_while_they_are_shared(
    wall: Wall, admin: Connection, role: Role
) -> None:
    told = (
        f"select count(*) from app.referral_changes where referral_id = '{RECEIVED}'"
        " and transaction = pg_current_xact_id()::text::bigint"
    )
    for change, is_told in (
        ("select 1", True),
        ("update app.consents set scopes = '{LEGAL_STATUS}'", False),
        ("delete from app.referral_answers", False),
        ("update app.agreements set suspended_at = now()", False),
    ):
        with admin.transaction(force_rollback=True):
            admin.execute(change.encode())
            admin.execute("delete from app.referral_changes where not is_of_hearings")
            admin.execute("update app.hearings set state = 'CANCELLED'")
            [(count,)] = read(wall, "goa", role, told)
            assert bool(count) is is_told, change
