"""Somebody withdraws while a statement about her is under way: what it would write is refused, though it began before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

REFUSED = "42501"
CBO_A = named("organisation", "cbo-a")
RECEIVED, HEARING = named("cbo-a", "received", "hers"), named("goa", "referral_hearings", "cbo-a/hers")

# Called by a statement of the receiver's, it does what another connection would have committed meanwhile.
WITHDRAWS = f"""create function pg_temp.meanwhile(withdraws bool) returns bool language plpgsql security definer as $$
begin
    insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)
    select organisation_id, consent_id, survivor_id, created_by from app.referrals where withdraws and received_id = '{RECEIVED}';
    return true;
end
$$"""

WRITES = {
    "an update": (
        "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on, created_by)"
        " select %(mine)s, gen_random_uuid(), %(sender)s, %(received)s, 'TRACED', current_date - 2, %(me)s"
    ),
    "an answer": (
        "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
        " select %(mine)s, gen_random_uuid(), %(sender)s, %(received)s, 'IN_PROGRESS', %(me)s"
    ),
    "an assignment": (
        "insert into app.referral_assignments (organisation_id, id, referral_organisation_id, referral_id, membership_id, created_by)"
        " select %(mine)s, gen_random_uuid(), %(sender)s, %(received)s, %(membership)s, %(me)s"
    ),
    "a day in court": (
        "insert into app.referral_hearings (organisation_id, id, referral_organisation_id, referral_id, held_on, mode, purpose,"
        " state, created_by, updated_by) select %(mine)s, gen_random_uuid(), %(sender)s, %(received)s, current_date + 9,"
        " 'VIDEO', 'EVIDENCE', 'SCHEDULED', %(me)s, %(me)s"
    ),
    "a change of a day": "update app.referral_hearings set state = 'CANCELLED', updated_by = %(me)s where id = %(hearing)s",
}


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(WITHDRAWS.encode())
        yield wall.admin


def written(connection: Connection, who: Member, what: str, *, withdraws: bool) -> object:
    known = {
        **{"mine": who.organisation, "me": who.person, "membership": who.membership},
        **{"sender": CBO_A, "received": RECEIVED, "hearing": HEARING, "withdraws": withdraws},
    }
    joined = " and " if " where " in WRITES[what] else " where "
    with as_superuser(connection, who.login, who.session), connection.transaction(force_rollback=True):
        return attempt(connection, f"{WRITES[what]}{joined} pg_temp.meanwhile(%(withdraws)s)", known)


@pytest.mark.parametrize("role", [Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN])
@pytest.mark.parametrize("what", WRITES)
def test_what_she_has_withdrawn_since_a_statement_began_it_does_not_write(
    wall: Wall, admin: Connection, what: str, role: Role
) -> None:
    me = wall.member("goa", role)
    assert written(admin, me, what, withdraws=False) == [(1,)]
    assert written(admin, me, what, withdraws=True) == REFUSED
