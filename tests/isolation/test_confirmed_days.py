"""A confirmation stays what it was said of: its own day, referral and case, whatever else is open to whoever changes it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, insert

from pat_auth.policy import Role

REFUSED = "42501"
TABLE = "app.hearing_confirmations"
CBO_A, CBO_B, GOA, DELHI = (named("organisation", slug) for slug in ("cbo-a", "cbo-b", "goa", "delhi"))
DAY = named("goa", "referral_hearings", "cbo-a/hers")
ROLES = (Role.CASE_MANAGER, Role.SOCIAL_WORKER, Role.LEGAL_AID)
SECOND = named("cbo-a", "referrals", "second")
OURS = {"case_id": named("cbo-a", "cases", "ours"), "survivor_id": named("cbo-a", "survivors", "ours")}


def again(admin: Connection, who: Member, where: str = "where hearing_organisation_id is not null") -> object:
    """What becomes of a newer word, by somebody who may say it of whatever row she reaches."""
    said = f"update {TABLE} set has_coordinator = false, updated_by = %s {where}"
    with as_superuser(admin, who.login, who.session), admin.transaction(force_rollback=True):
        return attempt(admin, said, (who.person,))


def first(wall: Wall, who: Member, **values: Any) -> object:
    """What becomes of a first word."""
    row = {**wall.rows[TABLE]["cbo-a"]["hers"], "created_by": who.person, "updated_by": who.person, **values}
    said = f"insert into {TABLE} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})"
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(f"delete from {TABLE}".encode())
        with as_superuser(wall.admin, who.login, who.session):
            return attempt(wall.admin, said, list(row.values()))


def stands(wall: Wall, **values: Any) -> None:
    """The one confirmation there is, put there by whom row security does not bind."""
    wall.admin.execute(f"delete from {TABLE}".encode())
    insert(wall.admin, TABLE, {**wall.rows[TABLE]["cbo-a"]["hers"], **values})


@pytest.mark.parametrize("role", ROLES)
def test_an_open_day_beside_it_opens_none_that_is_over(wall: Wall, admin: Connection, role: Role) -> None:
    who = wall.member("cbo-a", role)
    stands(wall)
    assert again(admin, who) == [(1,)]
    insert(
        admin, "app.referral_hearings", {**wall.rows["app.referral_hearings"]["goa"]["cbo-a"], "id": uuid4()}
    )
    admin.execute("update app.referral_hearings set state = 'CANCELLED' where id = %s", (DAY,))
    assert again(admin, who) == REFUSED


def everything_is_open(wall: Wall) -> None:
    """Two receivers have a day of the same name, Goa two referrals of her, and whoever works on her case works on both."""
    insert(
        wall.admin,
        "app.referral_hearings",
        {**wall.rows["app.referral_hearings"]["goa"]["cbo-a"], "organisation_id": DELHI},
    )
    names = {"id": SECOND, "received_id": uuid4()}
    insert(wall.admin, "app.referrals", {**wall.rows["app.referrals"]["cbo-a"]["hers"], **names})
    answer = {**wall.rows["app.referral_answers"]["goa"]["cbo-a"], "id": uuid4()}
    insert(wall.admin, "app.referral_answers", {**answer, "referral_id": names["received_id"]})
    wall.admin.execute(
        "update app.case_assignments set ended_at = null where organisation_id = %s and case_id = %s",
        (CBO_A, OURS["case_id"]),
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "values",
    [
        {"hearing_id": named("goa", "referral_hearings", "cbo-b/hers")},
        {"referral_id": named("cbo-a", "referrals", "exchanged")},
        {"referral_id": SECOND},
        OURS,
        {"hearing_organisation_id": DELHI},
    ],
)
@pytest.mark.usefixtures("admin")
def test_nothing_is_said_of_another_day_referral_case_or_receiver(
    wall: Wall, role: Role, values: dict[str, Any]
) -> None:
    everything_is_open(wall)
    who = wall.member("cbo-a", role)
    stands(wall)
    assert (first(wall, who), again(wall.admin, who)) == ([(1,)], [(1,)])
    stands(wall, **values)
    assert (first(wall, who, **values), again(wall.admin, who)) == (REFUSED, REFUSED)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "change",
    [
        f"update app.referral_hearings set mode = 'PHYSICAL' where id = '{DAY}'",
        f"update app.referral_hearings set state = 'CANCELLED' where id = '{DAY}'",
        f"update app.referrals set state = 'SUSPENDED' where id = '{named('cbo-a', 'referrals', 'hers')}'",
    ],
)
def test_what_is_open_beside_it_opens_nothing_that_is_over(
    wall: Wall, admin: Connection, role: Role, change: str
) -> None:
    everything_is_open(wall)
    who = wall.member("cbo-a", role)
    stands(wall)
    admin.execute(change.encode())
    assert (first(wall, who), again(admin, who)) == (REFUSED, REFUSED)


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.LEGAL_AID])
def test_whose_work_on_her_case_has_ended_confirms_nothing_also_where_she_could_read_its_referrals(
    wall: Wall, admin: Connection, role: Role
) -> None:
    who = wall.member("cbo-a", role)
    planted = f"create policy planted on app.case_assignments for select to pat_{role} using (true)"
    admin.execute(planted.encode())
    for table in ("app.referrals", TABLE):
        admin.execute(f"alter policy referral_read_{role}_select on {table} using (true)".encode())
    stands(wall)
    assert (first(wall, who), again(admin, who)) == ([(1,)], [(1,)])
    admin.execute(
        "update app.case_assignments set ended_at = now() where membership_id = %s", (who.membership,)
    )
    assert (first(wall, who), again(admin, who), again(admin, who, "")) == (REFUSED, [(0,)], [(0,)])
