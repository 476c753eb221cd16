"""How somebody becomes a member: an invitation is taken up once, by whom it was sent to, while it lasts."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.isolation.test_sign_in_login import ask, events
from tests.support.issuing import put_invitation, put_person
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, insert

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN, login_name

EMAIL = "new@example.org"
TOKEN = sha256(b"token").digest()


@pytest.fixture
def organisation(wall: Wall) -> UUID:
    return wall.organisation("cbo-a")


@pytest.fixture
def invitation(admin: Connection, organisation: UUID) -> UUID:
    return put_invitation(admin, organisation, EMAIL, Role.COUNSELLOR, name="Asha")


@pytest.fixture
def person(admin: Connection) -> UUID:
    return put_person(admin, EMAIL)


def take_up(admin: Connection, person: UUID | None, token: bytes | None = TOKEN) -> UUID | None:
    with as_superuser(admin, SIGN_IN, None):
        membership: UUID | None = ask(admin, "select sec.take_up(%s, %s)", token, person)
    return membership


def enrol(admin: Connection, person: UUID | None, token: bytes | None = TOKEN) -> UUID | None:
    with as_superuser(admin, SIGN_IN, None):
        membership: UUID | None = ask(admin, "select sec.enrol(%s, %s)", token, person)
    return membership


def shown(admin: Connection, token: bytes | None = TOKEN) -> list[tuple[Any, ...]]:
    with as_superuser(admin, SIGN_IN, None):
        return admin.execute("select * from sec.find_invitation(%s)", (token,)).fetchall()


def memberships(admin: Connection, person: UUID) -> list[tuple[Any, ...]]:
    return admin.execute(
        "select organisation_id, id, role, name, ended_at from app.memberships where person_id = %s",
        (person,),
    ).fetchall()


def test_an_invitation_is_taken_up_once(
    admin: Connection, organisation: UUID, invitation: UUID, person: UUID
) -> None:
    membership = take_up(admin, person)
    assert memberships(admin, person) == [(organisation, membership, "counsellor", "Asha", None)]
    detail = {"invitation": str(invitation), "role": "counsellor"}
    joined = (SIGN_IN, person, "member.joined", [person, membership], detail)
    assert events(admin, organisation)[-1] == joined
    assert ask(admin, "select taken_up_at is not null from app.invitations where id = %s", invitation)
    assert take_up(admin, person) is None
    assert events(admin, organisation)[-1] == joined


def test_only_this_invitation_is_spent(admin: Connection, organisation: UUID, person: UUID) -> None:
    put_invitation(admin, organisation, EMAIL, Role.COUNSELLOR)
    second = put_invitation(admin, organisation, EMAIL, Role.LEGAL_AID, token=b"second")
    take_up(admin, person)
    left = "select id from app.invitations where email = %s and taken_up_at is null"
    assert admin.execute(left.encode(), (EMAIL,)).fetchall() == [(second,)]
    assert take_up(admin, person, sha256(b"second").digest()) is not None


def test_the_same_token_elsewhere_spends_nothing_there(wall: Wall, admin: Connection, person: UUID) -> None:
    """Ids of invitations are an organisation's own: another may have the same."""
    mine = put_invitation(admin, wall.organisation("cbo-a"), EMAIL, Role.COUNSELLOR)
    other = put_invitation(admin, wall.organisation("cbo-b"), EMAIL, Role.COUNSELLOR, token=b"other")
    admin.execute("update app.invitations set id = %s where id = %s", (mine, other))
    take_up(admin, person)
    spent = "select organisation_id from app.invitations where id = %s and taken_up_at is not null"
    assert admin.execute(spent.encode(), (mine,)).fetchall() == [(wall.organisation("cbo-a"),)]


REFUSALS = {
    "it was withdrawn": "update app.invitations set withdrawn_at = now() where id = %(invitation)s",
    "it was taken up": "update app.invitations set taken_up_at = now() where id = %(invitation)s",
    "it has expired": "update app.invitations set expires_at = now() where id = %(invitation)s",
    "it was sent to somebody else": "update app.invitations set email = 'x@example.org' where id = %(invitation)s",
    "she is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "she has no address": "update sec.people set email = null where id = %(person)s",
    "no login is for this role here, but elsewhere": (
        "update app.invitations set role = 'auditor', organisation_id = %(goa)s where id = %(invitation)s"
    ),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_an_invitation_is_not_taken_up_when(
    wall: Wall, admin: Connection, invitation: UUID, person: UUID, reason: str
) -> None:
    known = {"invitation": invitation, "person": person, "goa": wall.organisation("goa")}
    assert admin.execute(REFUSALS[reason].encode(), known).rowcount == 1
    assert take_up(admin, person) is None
    assert memberships(admin, person) == []


def test_an_invitation_is_not_taken_up_with_another_token_or_by_nobody(
    admin: Connection, invitation: UUID, person: UUID
) -> None:
    assert take_up(admin, person, b"another") is None
    assert take_up(admin, person, None) is None
    assert take_up(admin, uuid4()) is None
    assert take_up(admin, None) is None
    assert take_up(admin, person) is not None


def put_session(admin: Connection, member: Member) -> UUID:
    session = uuid4()
    admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
        (session, member.login, member.organisation, member.membership, member.person),
    )
    return session


def test_who_comes_back_finds_her_membership_and_none_of_her_sessions(wall: Wall, admin: Connection) -> None:
    member, other_place = wall.member("cbo-a", Role.COUNSELLOR), wall.member("cbo-b", Role.COUNSELLOR)
    colleague = wall.member("cbo-a", Role.LEGAL_AID)
    for each in (other_place, colleague):
        admin.execute("update app.memberships set ended_at = now() where id = %s", (each.membership,))
    admin.execute("update app.memberships set ended_at = now() where id = %s", (member.membership,))
    # In another role, in another organisation, and somebody else in the same role: none of them comes back.
    admin.execute(
        "update app.memberships set person_id = %s where id = any(%s)",
        (member.person, [other_place.membership, colleague.membership]),
    )
    same_role = uuid4()
    admin.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name, ended_at)"
        " values (%s, %s, %s, 'counsellor', 'x', now())",
        (member.organisation, same_role, colleague.person),
    )
    admin.execute(
        "update sec.sessions set membership_id = %s where id = %s", (same_role, wall.members[0].session)
    )
    email = ask(admin, "select email from sec.people where id = %s", member.person)
    put_invitation(admin, member.organisation, email, Role.COUNSELLOR, name="Again")
    old, elsewhere = put_session(admin, member), put_session(admin, member)
    # Ids of memberships are an organisation's own: another may have the same.
    admin.execute(
        "update sec.sessions set organisation_id = %s where id = %s", (other_place.organisation, elsewhere)
    )
    assert take_up(admin, member.person) == member.membership
    assert ("counsellor", "Again", None) in [row[2:] for row in memberships(admin, member.person)]
    revoked = "select id, revoked_because from sec.sessions where revoked_at is not null"
    ended = {(member.session, "membership ended"), (old, "membership ended")}
    assert set(admin.execute(revoked).fetchall()) == ended


def test_who_comes_back_finds_none_of_the_cases_that_were_hers(wall: Wall, admin: Connection) -> None:
    member, colleague = (wall.member("cbo-a", role) for role in (Role.COUNSELLOR, Role.LEGAL_AID))
    admin.execute(
        "update app.memberships set ended_at = now() where id = any(%s)",
        ([member.membership, colleague.membership],),
    )
    # What she has in another role does not end now, nor what is of memberships elsewhere that have the same ids.
    admin.execute(
        "update app.memberships set person_id = %s where id = %s", (member.person, colleague.membership)
    )
    namesake, row = wall.member("cbo-b", Role.COUNSELLOR), wall.rows["app.case_assignments"]["cbo-b"]
    admin.execute("delete from app.case_assignments where membership_id = %s", (namesake.membership,))
    admin.execute(
        "update app.memberships set id = %s where id = %s", (member.membership, namesake.membership)
    )
    insert(admin, "app.case_assignments", {**row["counsellor1"], "membership_id": member.membership})
    worker = wall.member("cbo-a", Role.SOCIAL_WORKER)
    admin.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name, ended_at)"
        " values (%s, %s, %s, 'counsellor', 'x', now())",
        (namesake.organisation, worker.membership, member.person),
    )
    live = "select organisation_id, id, case_id, survivor_id from app.case_assignments where ended_at is null"
    earlier = "select ended_at from app.case_assignments where membership_id = %s and ended_at < now()"
    before, long_ago = set(admin.execute(live).fetchall()), ask(admin, earlier, member.membership)
    email = ask(admin, "select email from sec.people where id = %s", member.person)
    put_invitation(admin, member.organisation, email, Role.COUNSELLOR)
    assert take_up(admin, member.person) == member.membership
    ((organisation, id, case, survivor),) = before - set(admin.execute(live).fetchall())
    assert (organisation, id) == (
        member.organisation,
        wall.id("app.case_assignments", "cbo-a", "counsellor1"),
    )
    assert ask(admin, earlier, member.membership) == long_ago
    told = (SIGN_IN, member.person, "case.unassigned", [case, survivor], {"member": str(member.membership)})
    assert events(admin, member.organisation)[-2] == told
    with as_superuser(admin, member.login, put_session(admin, member)):
        assert admin.execute("select 1 from app.cases").fetchall() == []


def test_who_is_a_member_already_stays_one_and_keeps_her_sessions_and_cases(
    wall: Wall, admin: Connection
) -> None:
    member = wall.member("cbo-a", Role.COUNSELLOR)
    email = ask(admin, "select email from sec.people where id = %s", member.person)
    put_invitation(admin, member.organisation, email, Role.COUNSELLOR)
    assert take_up(admin, member.person) == member.membership
    assert len(memberships(admin, member.person)) == 1
    with as_superuser(admin, member.login, member.session):
        assert ask(admin, "select sec.actor()") == member.person
        assert ask(admin, "select id from app.cases") == wall.id("app.cases", "cbo-a", "hers")


def test_somebody_new_is_enrolled_with_the_address_that_was_invited(
    admin: Connection, organisation: UUID, invitation: UUID
) -> None:
    person = uuid4()
    membership = enrol(admin, person)
    assert ask(admin, "select email from sec.people where id = %s", person) == EMAIL
    assert memberships(admin, person) == [(organisation, membership, "counsellor", "Asha", None)]
    assert enrol(admin, uuid4()) is None


def test_somebody_known_is_not_enrolled_again(admin: Connection, invitation: UUID, person: UUID) -> None:
    """Else an invitation would give away who holds her address: she signs in, and takes it up."""
    assert enrol(admin, uuid4()) is None
    assert enrol(admin, person) is None
    assert memberships(admin, person) == []


def test_an_id_that_is_somebodys_is_not_enrolled(wall: Wall, admin: Connection, invitation: UUID) -> None:
    member = wall.member("cbo-b", Role.CASE_MANAGER)
    assert enrol(admin, member.person) is None
    assert [row[1] for row in memberships(admin, member.person)] == [member.membership]


@pytest.mark.parametrize("reason", [reason for reason in REFUSALS if reason.startswith(("it ", "no "))])
def test_nobody_is_made_by_an_invitation_that_does_not_stand(
    wall: Wall, admin: Connection, invitation: UUID, reason: str
) -> None:
    person = uuid4()
    known = {"invitation": invitation, "person": person, "goa": wall.organisation("goa")}
    if reason == "it was sent to somebody else":
        known["invitation"] = put_invitation(admin, wall.organisation("goa"), EMAIL, Role.COUNSELLOR)
        admin.execute("delete from app.invitations where id = %s", (invitation,))
    else:
        assert admin.execute(REFUSALS[reason].encode(), known).rowcount == 1
    people = ask(admin, "select count(*) from sec.people")
    assert enrol(admin, person) is None
    assert ask(admin, "select count(*) from sec.people") == people


def test_nobody_is_made_without_an_invitation(admin: Connection, invitation: UUID) -> None:
    people = ask(admin, "select count(*) from sec.people")
    assert enrol(admin, uuid4(), b"another") is None
    assert enrol(admin, uuid4(), None) is None
    assert ask(admin, "select count(*) from sec.people") == people


def test_nobody_is_invited_to_be_a_survivor_or_a_machine(admin: Connection, organisation: UUID) -> None:
    for role in (Role.SURVIVOR, Role.SERVICE):
        assert login_name(organisation, role.value)
        with pytest.raises(Exception, match="ck_invitations_role"), admin.transaction():
            put_invitation(admin, organisation, EMAIL, role)


def test_whoever_holds_the_link_is_shown_what_it_is_for(
    admin: Connection, organisation: UUID, invitation: UUID
) -> None:
    name = ask(admin, "select name from app.organisations where id = %s", organisation)
    assert shown(admin) == [(EMAIL, "Asha", name, "counsellor", False)]
    put_person(admin, EMAIL)
    assert shown(admin) == [(EMAIL, "Asha", name, "counsellor", True)]
    assert shown(admin, b"another") == []
    assert shown(admin, None) == []


@pytest.mark.parametrize("reason", [*list(REFUSALS)[:3], list(REFUSALS)[-1]])
def test_nothing_is_shown_of_an_invitation_that_does_not_stand(
    wall: Wall, admin: Connection, invitation: UUID, reason: str
) -> None:
    admin.execute(REFUSALS[reason].encode(), {"invitation": invitation, "goa": wall.organisation("goa")})
    assert shown(admin) == []


def test_nothing_is_shown_of_an_invitation_that_has_expired_since_the_transaction_began(
    admin: Connection, invitation: UUID
) -> None:
    assert shown(admin)
    admin.execute("update app.invitations set expires_at = clock_timestamp() where id = %s", (invitation,))
    assert shown(admin) == []
