"""When something was done is the database's to say: nothing that is new is dated back, dated ahead, or rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.isolation.test_referral_work import refer, tells
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

REFUSED, NO_CHECK = "42501", "23514"
CBO_A, GOA = named("organisation", "cbo-a"), named("organisation", "goa")
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
DRAFT = named("cbo-a", "referrals", "ours")
DAY = named("goa", "referral_hearings", "cbo-a/hers")
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
# The transaction began before.
JUST_NOW = "{0} > now() and {0} <= clock_timestamp()"


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


@pytest.fixture
def manager(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


def is_just_now(connection: Connection, table: str, column: str, where: str) -> object:
    return connection.execute(
        f"select distinct {JUST_NOW.format(column)} from {table} where {where}".encode()
    ).fetchall()


@pytest.mark.parametrize("column", ["created_at", "updated_at"])
def test_nobody_says_when_a_confirmation_was_made(
    wall: Wall, admin: Connection, manager: Member, column: str
) -> None:
    row: dict[str, Any] = {
        **wall.rows["app.hearing_confirmations"]["cbo-a"]["hers"],
        "created_by": manager.person,
        "updated_by": manager.person,
    }
    admin.execute("delete from app.hearing_confirmations")

    def put(row: dict[str, Any]) -> object:
        columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        return attempt(
            admin, f"insert into app.hearing_confirmations ({columns}) values ({marks})", list(row.values())
        )

    with as_superuser(admin, manager.login, manager.session):
        assert put({**row, column: LONG_AGO}) == REFUSED
        assert put(row) == [(1,)]
        assert attempt(admin, f"update app.hearing_confirmations set {column} = now()") == REFUSED
    assert is_just_now(admin, "app.hearing_confirmations", column, "true") == [(True,)]


def test_a_newer_word_is_as_old_as_it_is(admin: Connection, manager: Member) -> None:
    here = f"where hearing_id = '{DAY}'"
    admin.execute(f"update app.hearing_confirmations set updated_at = '2001-01-01' {here}".encode())
    with as_superuser(admin, manager.login, manager.session):
        said = f"update app.hearing_confirmations set has_coordinator = true, updated_by = %s {here}"
        assert attempt(admin, said, (manager.person,)) == [(1,)]
    assert is_just_now(admin, "app.hearing_confirmations", "updated_at", f"hearing_id = '{DAY}'") == [(True,)]


@pytest.mark.parametrize("moment", ["'2001-01-01'", "'2100-01-01'", "'-infinity'", "now()"])
def test_a_suspension_is_lifted_when_it_is_lifted(wall: Wall, admin: Connection, moment: str) -> None:
    me = wall.member("secretariat", Role.SECRETARIAT_ADMIN)
    of_goa = f"partner_id = '{GOA}' and reason = 'CLOSED'"
    with as_superuser(admin, me.login, me.session):
        put = (
            "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by)"
            " values (%s, gen_random_uuid(), %s, 'CLOSED', %s)"
        )
        assert attempt(admin, put, (me.organisation, GOA, me.person)) == [(1,)]
        named_only = f"update app.partner_suspensions set updated_by = '{me.person}' where {of_goa}"
        assert attempt(admin, named_only) == [(1,)]
        assert attempt(admin, f"select lifted_at from app.partner_suspensions where {of_goa}") == [(None,)]
        lift = f"update app.partner_suspensions set lifted_at = {moment}, updated_by = %s where {of_goa}"
        assert attempt(admin, lift, (me.person,)) == [(1,)]
    for column in ("created_at", "lifted_at"):
        assert is_just_now(admin, "app.partner_suspensions", column, of_goa) == [(True,)]
    assert is_just_now(admin, "app.partner_suspensions", "lifted_at", f"{of_goa} and lifted_at > created_at")


@pytest.mark.parametrize("what", ["sent_at", "ended_at", "reason"])
@pytest.mark.parametrize("referral", [HERS, DRAFT])
def test_what_is_said_of_a_step_is_said_when_it_is_taken_and_not_afterwards(
    admin: Connection, manager: Member, referral: object, what: str
) -> None:
    value = "'SAFETY'" if what == "reason" else "'2001-01-01'"
    with as_superuser(admin, manager.login, manager.session):
        for change in (f"{what} = {value}", f"{what} = {value}, state = state"):
            assert attempt(admin, f"update app.referrals set {change} where id = '{referral}'") == NO_CHECK
        kept = (
            f"update app.referrals set {what} = {what}, agreed_until = agreed_until where id = '{referral}'"
        )
        assert attempt(admin, kept) == [(1,)]


def test_when_a_referral_was_sent_and_ended_are_the_moments_of_its_steps(
    admin: Connection, manager: Member
) -> None:
    def is_now(column: str) -> object:
        return is_just_now(admin, "app.referrals", column, f"id = '{HERS}'")

    def step(state: str) -> object:
        move = f"update app.referrals set state = '{state}', reason = 'SAFETY', sent_at = '2001-01-01',"
        return attempt(admin, f"{move} ended_at = '2001-01-01' where id = '{HERS}'")

    sent = f"select sent_at from app.referrals where id = '{HERS}'"
    first = admin.execute(sent.encode()).fetchall()
    with as_superuser(admin, manager.login, manager.session):
        for state in ("SUSPENDED", "SENT"):
            assert step(state) == [(1,)]
            assert attempt(admin, sent) == first
            assert is_now("ended_at") == [(None,)]
        assert step("REVOKED") == [(1,)]
    assert is_now("ended_at") == [(True,)]
    # One that was never sent is, when it is.
    admin.execute(
        f"update app.referrals set state = 'CONSENT_RECORDED', sent_at = null where id = '{HERS}'".encode()
    )
    with as_superuser(admin, manager.login, manager.session):
        assert step("SENT") == [(1,)]
    assert is_now("sent_at") == [(True,)]
    with as_superuser(admin, manager.login, manager.session):
        assert step("CLOSED") == [(1,)]
    assert is_now("ended_at") == [(True,)]


def test_what_was_not_sent_yet_has_no_moment_of_sending(
    wall: Wall, admin: Connection, manager: Member
) -> None:
    consent = named("cbo-a", "consents", "ours")
    step = "update app.referrals set state = 'CONSENT_RECORDED', consent_id = %s, scopes = '{LEGAL_STATUS}', agreed_until = %s"
    until = wall.rows["app.consents"]["cbo-a"]["ours"]["valid_until"]
    with as_superuser(admin, manager.login, manager.session):
        assert attempt(admin, f"{step} where id = %s", (consent, until, DRAFT)) == [(1,)]
        assert attempt(admin, f"select sent_at from app.referrals where id = '{DRAFT}'") == [(None,)]


def test_a_draft_begins_now_and_nothing_has_been_done_about_it(
    wall: Wall, admin: Connection, manager: Member
) -> None:
    said = {"sent_at": LONG_AGO, "ended_at": LONG_AGO, "reason": "SAFETY"}
    row = {
        **wall.rows["app.referrals"]["cbo-a"]["ours"],
        **{"id": named("moments", "id"), "received_id": named("moments", "received")},
        **{"created_by": manager.person, "created_at": LONG_AGO},
        **dict.fromkeys(said),
    }

    def put(**values: Any) -> object:
        new: dict[str, Any] = {**row, **values}
        columns, marks = ", ".join(new), ", ".join(["%s"] * len(new))
        return attempt(admin, f"insert into app.referrals ({columns}) values ({marks})", list(new.values()))

    with as_superuser(admin, manager.login, manager.session):
        for column, value in said.items():
            assert put(**{column: value}) == NO_CHECK, column
        assert put() == [(1,)]
    assert is_just_now(admin, "app.referrals", "created_at", f"id = '{row['id']}'") == [(True,)]


def test_an_answer_is_given_when_it_is_given(wall: Wall, admin: Connection) -> None:
    refer(admin, "SENT")
    me = wall.member("goa", Role.DESTINATION_WORKER)
    answer = (
        "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, answered_at,"
        " created_by) values (%s, gen_random_uuid(), %s, %s, 'ACCEPTED', '2001-01-01', %s)"
    )
    with as_superuser(admin, me.login, me.session):
        assert attempt(admin, answer, (GOA, CBO_A, RECEIVED, me.person)) == [(1,)]
    assert is_just_now(admin, "app.referral_answers", "answered_at", f"referral_id = '{RECEIVED}'") == [
        (True,)
    ]


def test_a_transaction_that_is_held_open_dates_nothing_back(wall: Wall, admin: Connection) -> None:
    """What is told of a referral, and what there is instead of a consent."""
    me, worker = wall.member("cbo-a", Role.CASE_MANAGER), wall.member("goa", Role.DESTINATION_WORKER)
    with as_superuser(admin, worker.login, worker.session):
        said = (
            "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on,"
            " created_by) values (%s, %s, %s, %s, 'TRACED', '2020-02-29', %s)"
        )
        update = named("moments", "update")
        assert attempt(admin, said, (GOA, update, CBO_A, RECEIVED, worker.person)) == [(1,)]
    assert is_just_now(admin, "app.referral_updates", "created_at", f"id = '{update}'") == [(True,)]
    with as_superuser(admin, me.login, me.session):
        said = (
            "insert into app.legal_bases (organisation_id, id, survivor_id, recipient_id, purpose, kind, scopes, reference,"
            " valid_until, created_by) values (%s, %s, %s, %s, 'SHELTER', 'COURT_ORDER', '{LEGAL_STATUS}', '12/2026',"
            " now() + interval '1 day', %s)"
        )
        basis = named("moments", "basis")
        hers = named("cbo-a", "survivors", "hers")
        assert attempt(admin, said, (CBO_A, basis, hers, GOA, me.person)) == [(1,)]
    assert is_just_now(admin, "app.legal_bases", "created_at", f"id = '{basis}'") == [(True,)]


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("'2000-01-01'", [(1,)]),
        ("'1999-12-31'", NO_CHECK),
        ("'0044-03-15 BC'", NO_CHECK),
        ("'-infinity'", NO_CHECK),
        ("'infinity'", NO_CHECK),
    ],
)
def test_what_is_told_was_done_in_our_time(wall: Wall, admin: Connection, day: str, taken: object) -> None:
    assert tells(admin, wall.member("goa", Role.DESTINATION_WORKER), day=f"date {day}") == taken


def test_whoever_repairs_and_restores_writes_what_was(admin: Connection) -> None:
    for table, column, where in (
        ("app.referrals", "sent_at", f"id = '{HERS}'"),
        ("app.referrals", "reason", f"id = '{HERS}'"),
        ("app.hearing_confirmations", "updated_at", f"hearing_id = '{DAY}'"),
        ("app.partner_suspensions", "lifted_at", "true"),
    ):
        value = "SAFETY" if column == "reason" else "2099-01-01 00:00:00+00"
        admin.execute(f"update {table} set {column} = '{value}' where {where}".encode())
        found = f"select bool_and({column} = '{value}') from {table} where {where}"
        assert admin.execute(found.encode()).fetchall() == [(True,)], column
