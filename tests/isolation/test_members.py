"""A membership ends with all that hangs on it: sessions, assignments, consents, invitations. Who may end it, and which one not."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation.test_sign_in_login import ask, events
from tests.support.issuing import put_invitation, put_membership
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN
from pat_tenants.isolation.provision import ROLES_OF
from pat_tenants.organisations.models import OrganisationKind

END = "select sec.end_membership(%s)"
NOT_FOUND, LAST = {"refused": "NOT_FOUND"}, {"refused": "LAST_ADMINISTRATOR"}


@pytest.fixture
def me(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.ORGANISATION_ADMIN)


@pytest.fixture
def worker(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.SOCIAL_WORKER)


def end(admin: Connection, me: Member, membership: UUID) -> Any:
    with as_superuser(admin, me.login, me.session):
        return ask(admin, END, membership)


def live_cases(admin: Connection, member: Member) -> int:
    count: int = ask(
        admin,
        "select count(*) from app.case_assignments where organisation_id = %s and membership_id = %s and ended_at is null",
        member.organisation,
        member.membership,
    )
    return count


def let_a_client_act(admin: Connection, member: Member) -> None:
    admin.execute(
        "insert into sec.consents (person_id, client, membership_id, scopes) values (%s, gen_random_uuid(), %s, '{let}')",
        (member.person, member.membership),
    )


def test_her_sessions_cases_and_invitations_end_with_her_membership(
    wall: Wall, admin: Connection, me: Member, worker: Member
) -> None:
    email = ask(admin, "select email from sec.people where id = %s", worker.person)
    sent = put_invitation(admin, me.organisation, email, Role.COUNSELLOR, token=b"to her")
    by_her = put_invitation(admin, me.organisation, "x@example.org", Role.COUNSELLOR, token=b"by her")
    admin.execute("update app.invitations set created_by = %s where id = %s", (worker.person, by_her))
    stays = put_invitation(admin, me.organisation, "y@example.org", Role.COUNSELLOR, token=b"other")
    other = put_membership(admin, worker.person, me.organisation, Role.AUDITOR)
    colleague = wall.member("cbo-a", Role.SOCIAL_WORKER, 2)
    for member in (worker, colleague):
        let_a_client_act(admin, member)
    assert live_cases(admin, worker) == 1
    assert end(admin, me, worker.membership) == {"sessions": 1, "cases": 1}
    assert live_cases(admin, worker) == 0
    assert live_cases(admin, colleague) == 1
    assert ask(admin, "select ended_at is not null from app.memberships where id = %s", worker.membership)
    assert not ask(admin, "select ended_at is not null from app.memberships where id = %s", other)
    revoked = admin.execute("select id, revoked_because from sec.sessions where revoked_at is not null")
    assert revoked.fetchall() == [(worker.session, "membership ended")]
    withdrawn = admin.execute("select id from app.invitations where withdrawn_at is not null").fetchall()
    assert {sent, by_her} <= {row[0] for row in withdrawn}
    assert stays not in {row[0] for row in withdrawn}
    let = admin.execute("select membership_id, withdrawn_at is null from sec.consents where scopes = '{let}'")
    assert set(let.fetchall()) == {(worker.membership, False), (colleague.membership, True)}
    unassigned, session, ended = events(admin, me.organisation)[-3:]
    assert (unassigned[1], unassigned[2]) == (me.person, "case.unassigned")
    assert (session[1], session[2]) == (me.person, "session.revoked")
    detail = {"role": "social_worker", "sessions": 1, "cases": 1}
    assert ended == (me.login, me.person, "member.ended", [worker.person, worker.membership], detail)


def test_it_ends_once(admin: Connection, me: Member, worker: Member) -> None:
    end(admin, me, worker.membership)
    assert end(admin, me, worker.membership) == NOT_FOUND


def test_nobody_elsewhere_and_no_survivor_is_ended(wall: Wall, admin: Connection, me: Member) -> None:
    for member in (wall.member("cbo-b", Role.SOCIAL_WORKER), wall.member("cbo-a", Role.SURVIVOR)):
        assert end(admin, me, member.membership) == NOT_FOUND
    assert end(admin, me, uuid4()) == NOT_FOUND


def test_the_last_administrator_stays(wall: Wall, admin: Connection, me: Member) -> None:
    assert end(admin, me, me.membership) == LAST
    # Somebody who cannot sign in administers nothing.
    disabled = wall.member("cbo-a", Role.COUNSELLOR).person
    put_membership(admin, disabled, me.organisation, Role.ORGANISATION_ADMIN)
    admin.execute("update sec.people set disabled_at = now() where id = %s", (disabled,))
    assert end(admin, me, me.membership) == LAST
    elsewhere = wall.member("cbo-b", Role.COUNSELLOR)
    put_membership(admin, elsewhere.person, elsewhere.organisation, Role.DESTINATION_ADMIN)
    assert end(admin, me, me.membership) == LAST


def test_an_administrator_leaves_once_another_is_there(wall: Wall, admin: Connection, me: Member) -> None:
    colleague = wall.member("cbo-a", Role.COUNSELLOR).person
    put_membership(admin, colleague, me.organisation, Role.ORGANISATION_ADMIN)
    assert end(admin, me, me.membership)["sessions"] == 1
    assert events(admin, me.organisation)[-1][1:3] == (me.person, "member.ended")


def test_without_a_session_nothing_ends_and_nothing_is_told_or_sent(
    admin: Connection, me: Member, worker: Member
) -> None:
    email = ask(admin, "select email from sec.people where id = %s", worker.person)
    with as_superuser(admin, me.login, None):
        assert ask(admin, "select sec.roles_here()") == []
        assert ask(admin, "select sec.is_member(%s, 'social_worker')", email) is False
    for statement, values in (
        (END, (worker.membership,)),
        ("select sec.post_mail(gen_random_uuid(), 'x', now())", ()),
    ):
        admin.execute("savepoint before")
        admin.execute(f"set local session authorization {me.login}".encode())
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            admin.execute(statement.encode(), values)
        admin.execute("rollback to before")
    assert live_cases(admin, worker) == 1


def test_an_administrator_learns_the_roles_here_and_who_is_a_member_here(
    wall: Wall, admin: Connection, me: Member, worker: Member
) -> None:
    hers, theirs = (
        ask(admin, "select email from sec.people where id = %s", member.person)
        for member in (worker, wall.member("cbo-b", Role.SOCIAL_WORKER))
    )
    with as_superuser(admin, me.login, me.session):
        assert "counsellor" in ask(admin, "select sec.roles_here()")
        assert ask(admin, "select sec.is_member(%s, 'social_worker')", hers) is True
        assert ask(admin, "select sec.is_member(%s, 'counsellor')", hers) is False
        assert ask(admin, "select sec.is_member(%s, 'social_worker')", theirs) is False
    admin.execute("update app.memberships set ended_at = now() where id = %s", (worker.membership,))
    with as_superuser(admin, me.login, me.session):
        assert ask(admin, "select sec.is_member(%s, 'social_worker')", hers) is False


def test_an_administrator_learns_the_roles_that_her_own_organisation_has_logins_for(
    wall: Wall, admin: Connection
) -> None:
    """Which roles there are elsewhere says what others do."""
    administrator = wall.member("goa", Role.DESTINATION_ADMIN)
    with as_superuser(admin, administrator.login, administrator.session):
        here = ask(admin, "select sec.roles_here()")
    assert here == sorted(role.value for role in ROLES_OF[OrganisationKind.DESTINATION])


def test_mails_are_forgotten_a_month_after_their_use_is_over(admin: Connection, me: Member) -> None:
    old, young = uuid4(), uuid4()
    for mail, days in ((old, 31), (young, 29)):
        admin.execute(
            "insert into sec.mails (id, sealed, expires_at) values (%s, 'x', now() - make_interval(days => %s))",
            (mail, days),
        )
    with as_superuser(admin, SIGN_IN, None):
        admin.execute("select sec.forget_mails()")
    left = {row[0] for row in admin.execute("select id from sec.mails").fetchall()}
    assert young in left
    assert old not in left
