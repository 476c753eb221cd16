"""Why a referral was declined or has ended, in SQL: who may say it, who may read it, and what the database refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.people import named
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_tenants.isolation.doors import DOORS

REFUSED, NO_CHECK = "42501", "23514"
CBO_A, RECEIVED = named("organisation", "cbo-a"), named("cbo-a", "received", "hers")
ANSWER = (
    "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, created_by, answer, reason)"
    " values (%s, gen_random_uuid(), %s, %s, %s, %s, %s)"
)


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A referral that nobody has answered."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("delete from app.referral_answers where referral_id = %s", (RECEIVED,))
        yield wall.admin


@pytest.mark.parametrize(
    ("answer", "reason", "stored"),
    [
        ("DECLINED", "NO_CAPACITY", "NO_CAPACITY"),
        # So the release before goes on declining.
        ("DECLINED", None, "OTHER_REASON"),
        ("ACCEPTED", None, None),
        ("ACCEPTED", "SAFETY", NO_CHECK),
        ("DECLINED", "She is at home again.", NO_CHECK),
    ],
)
def test_what_is_declined_has_a_reason_and_nothing_else_has_one(
    wall: Wall, admin: Connection, answer: str, reason: str | None, stored: str | None
) -> None:
    me = wall.member("goa", Role.DESTINATION_WORKER)
    with as_superuser(admin, me.login, me.session):
        said = attempt(admin, ANSWER, (me.organisation, CBO_A, RECEIVED, me.person, answer, reason))
    assert said == (NO_CHECK if stored == NO_CHECK else [(1,)])
    if stored != NO_CHECK:
        read = "select answer, reason from {} where referral_id = %s"
        for slug, role, table in (
            ("goa", Role.DESTINATION_WORKER, "app.referral_answers"),
            ("cbo-a", Role.CASE_MANAGER, "door.sent_answers"),
            ("cbo-a", Role.SURVIVOR, "door.sent_answers"),
        ):
            reader = wall.member(slug, role)
            with as_superuser(admin, reader.login, reader.session):
                assert attempt(admin, read.format(table), (RECEIVED,)) == [(answer, stored)]


def test_no_answer_that_was_declined_is_without_a_reason(admin: Connection) -> None:
    made = "update app.referral_answers set answer = 'DECLINED'"
    assert attempt(admin, made) == NO_CHECK


@pytest.mark.parametrize(
    ("reason", "given"), [("SAFETY", [(1,)]), ("MISTAKE", [(1,)]), ("He found her.", NO_CHECK)]
)
def test_a_sender_says_why_in_a_code(wall: Wall, admin: Connection, reason: str, given: object) -> None:
    me = wall.member("cbo-a", Role.CASE_MANAGER)
    with as_superuser(admin, me.login, me.session):
        move = "update app.referrals set state = 'SUSPENDED', reason = %s where received_id = %s"
        assert attempt(admin, move, (reason, RECEIVED)) == given


def test_no_door_opens_why_a_sender_has_ended_it() -> None:
    columns = {
        (door.owner, column)
        for door in DOORS
        for opening in door.openings
        if opening.table == "app.referrals"
        for column in opening.columns
    }
    assert columns
    assert "reason" not in {column for _, column in columns}
