"""Who comes and goes, as the operator keeps it: on an administrator's connection, for every organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.types.json import Jsonb

from pat_auth.invitations import rules
from pat_auth.issuer.taking_up import hash_of_token, new_token
from pat_auth.policy import Role
from pat_platform.errors import Refused
from pat_server.client_registry import NOBODY
from pat_server.registry import acting_as, record

BECAUSE = "person disabled"


@dataclass(frozen=True, kw_only=True)
class NewMember:
    """Whom to invite, and as what."""

    organisation: UUID
    email: str = field(repr=False)
    name: str = field(repr=False)
    role: Role
    stands: timedelta = rules.STANDS


@dataclass(frozen=True)
class Membership:
    """One membership of somebody who leaves."""

    organisation: UUID
    id: UUID
    role: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """What ended when somebody was disabled."""

    person: UUID | None = None
    """None for somebody who was invited, and nothing more."""
    at: datetime | None = None
    memberships: Sequence[Membership] = ()
    sessions: int = 0
    browsers: int = 0
    invitations: int = 0


@dataclass(frozen=True, kw_only=True)
class LeftOpen:
    """What somebody who has left still has, in one organisation: others have to see to it."""

    organisation: str
    """Its slug."""
    cases: int
    """That are assigned to her, or were until now."""
    clients: Sequence[str] = ()
    """The names of programs that she registered: she may hold their keys."""
    referrals: int = 0
    """That she has prepared or sent, and that are not over."""
    alerts: int = 0
    """That nobody has closed where she was to look at them."""


def invite(connection: Connection, new: NewMember) -> str:
    """Invite somebody, in the connection's transaction; return what the link carries. Older invitations into the role are void.

    Raises Refused: for what is no address, name or role there, for a member, and for somebody who was disabled.
    """
    email, name = rules.is_an_email(new.email), rules.is_a_name(new.name)
    role = _is_wanted(connection, new, email)
    token, invitation = new_token(), uuid4()
    with acting_as(connection, "pat_owner", "app.invitations"):
        void = connection.execute(
            f"{_WITHDRAW} and organisation_id = %s and email = %s and role = %s".encode(),
            (new.organisation, email, role.value),
        ).rowcount
        connection.execute(
            "insert into app.invitations (organisation_id, id, email, name, role, token_hash, expires_at, created_by)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(new.organisation, invitation, email, name, role.value),
                *(hash_of_token(token), datetime.now(UTC) + new.stands, NOBODY),
            ),
        )
    record(
        connection, new.organisation, "member.invited", [invitation], {"role": role.value, "withdrawn": void}
    )
    return token


def _is_wanted(connection: Connection, new: NewMember, email: str) -> Role:
    with acting_as(connection, "pat_sec"):
        there = {
            Role(role)
            for (role,) in connection.execute(
                "select role from sec.logins where organisation_id = %s", (new.organisation,)
            )
        }
        role = rules.is_invited_as(new.role, there)
        known = connection.execute(
            "select p.disabled_at is not null, exists (select from app.memberships m where m.person_id = p.id"
            " and m.organisation_id = %s and m.role = %s and m.ended_at is null) from sec.people p where p.email = %s",
            (new.organisation, role.value, email),
        ).fetchone()
    is_disabled, is_member = known or (False, False)
    if is_disabled:
        raise Refused(
            "PERSON_DISABLED", "This person was disabled: `pat person enable` lets them in again.", "email"
        )
    rules.is_not_there(is_member)
    return role


def disable(connection: Connection, email: str) -> Left:
    """Let somebody in nowhere any more, in the connection's transaction: sessions, browsers, memberships, invitations end.

    Raises Refused for somebody who is neither there nor invited, or was disabled before.
    """
    email = email.strip().lower()
    left = _shut_out(connection, email)
    withdrawn = _withdraw(connection, email, left.person if left else None)
    if left is None:
        # Whoever took up an invitation while it was to be withdrawn is somebody by now.
        left = _shut_out(connection, email) or (Left() if withdrawn else None)
    if left is None:
        raise Refused(
            "NOT_FOUND", "Nobody signs in with this address, or they were disabled before.", "email"
        )
    for organisation in sorted(
        {each.organisation for each in left.memberships} | {where for where, _ in withdrawn}
    ):
        hers = [each.id for each in left.memberships if each.organisation == organisation]
        invitations = [invitation for where, invitation in withdrawn if where == organisation]
        if left.person is None:
            record(connection, organisation, "invitation.withdrawn", invitations, {})
        else:
            detail = {"invitations": len(invitations), "memberships": len(hers)}
            record(connection, organisation, "person.disabled", [left.person, *hers], detail)
    return replace(left, invitations=len(withdrawn))


def _withdraw(connection: Connection, email: str, person: UUID | None) -> list[tuple[UUID, UUID]]:
    """Those that were sent to her, and those that she has sent: she may know their links. Each with its organisation before it."""
    with acting_as(connection, "pat_owner", "app.invitations"):
        return connection.execute(
            f"{_WITHDRAW} and (email = %s or created_by = %s) returning organisation_id, id".encode(),
            (email, person),
        ).fetchall()


def _end_assignments(connection: Connection, left: Left) -> None:
    """Nobody who comes back finds the cases that were hers."""
    for each in left.memberships:
        taken = connection.execute(
            "update app.case_assignments set ended_at = %s where organisation_id = %s and membership_id = %s"
            " and ended_at is null returning case_id, survivor_id",
            (left.at, each.organisation, each.id),
        ).fetchall()
        for of_case in taken:
            connection.execute(
                "select trail.append(%s, null, 'case.unassigned', %s::uuid[], %s)",
                (each.organisation, list(of_case), Jsonb({"member": str(each.id)})),
            )


def _shut_out(connection: Connection, email: str) -> Left | None:
    with acting_as(connection, "pat_sec"):
        left = _ended(connection, email)
        if left is not None:
            _end_assignments(connection, left)
    return left


def _ended(connection: Connection, email: str) -> Left | None:
    # First: whoever opens a session for her at this moment is waited for, and everybody after finds her disabled.
    found = connection.execute(
        "update sec.people set disabled_at = now() where email = %s and disabled_at is null returning id, disabled_at",
        (email,),
    ).fetchone()
    if found is None:
        return None
    person, at = found
    row = (person,)
    browsers = connection.execute(
        "update sec.browsers set ended_at = now() where person_id = %s and ended_at is null", row
    ).rowcount
    connection.execute(
        "update sec.consents set withdrawn_at = now() where person_id = %s and withdrawn_at is null", row
    )
    # Whoever comes back says anew whom her organisation's own provider means by her.
    connection.execute(
        "update sec.upstream_identities set ended_at = now() where person_id = %s and ended_at is null", row
    )
    ((sessions,),) = connection.execute(
        "select sec.end_sessions(array(select s.id from sec.sessions s where s.person_id = %s and s.expires_at > now()), %s)",
        (person, BECAUSE),
    ).fetchall()
    memberships = connection.execute(
        "update app.memberships set ended_at = now() where person_id = %s and ended_at is null"
        " returning organisation_id, id, role",
        row,
    ).fetchall()
    return Left(
        person=person,
        at=at,
        memberships=[Membership(*each) for each in memberships],
        sessions=sessions,
        browsers=browsers,
    )


def enable(connection: Connection, email: str) -> None:
    """Let somebody who was disabled sign in again. Her memberships stay ended: she is invited anew. Raises Refused."""
    with acting_as(connection, "pat_sec"):
        row = connection.execute(
            "update sec.people set disabled_at = null where email = %s and disabled_at is not null returning id",
            (email.strip().lower(),),
        ).fetchone()
        if row is None:
            raise Refused("NOT_FOUND", "Nobody with this address was disabled.", "email")
        organisations = connection.execute(
            "select distinct organisation_id from app.memberships where person_id = %s order by 1", row
        ).fetchall()
    for (organisation,) in organisations:
        record(connection, organisation, "person.enabled", [row[0]], {})


def left_open(connection: Connection, left: Left) -> list[LeftOpen]:
    """What somebody has left open, by organisation; those where there is nothing are left out.

    Cases count that are hers, or were until she was disabled at that moment.
    """
    tables = (
        *("app.case_assignments", "app.clients", "app.organisations"),
        *("app.referrals", "app.alerts", "app.alert_closings"),
    )
    managed = [each.organisation for each in left.memberships if each.role == Role.CASE_MANAGER]
    with acting_as(connection, "pat_owner", *tables):
        rows = connection.execute(
            _LEFT_OPEN.encode(), {"person": left.person, "at": left.at, "managed": managed}
        ).fetchall()
    return [
        LeftOpen(organisation=slug, cases=cases, clients=clients, referrals=referrals, alerts=alerts)
        for slug, cases, clients, referrals, alerts in rows
        if cases or clients or referrals or alerts
    ]


def organisations_with(connection: Connection, role: Role) -> list[tuple[UUID, bool]]:
    """The organisations that have a role, each with whether anybody lives in it: who is a member, and not disabled."""
    with acting_as(connection, "pat_sec"):
        return connection.execute(
            "select l.organisation_id, exists (select from app.memberships m join sec.people p on p.id = m.person_id"
            " where m.organisation_id = l.organisation_id and m.role = l.role and m.ended_at is null"
            " and p.disabled_at is null) from sec.logins l where l.role = %s order by 1",
            (role.value,),
        ).fetchall()


_WITHDRAW = (
    "update app.invitations set withdrawn_at = now() where taken_up_at is null and withdrawn_at is null"
)
_LEFT_OPEN = """
select o.slug,
    (select count(distinct a.case_id) from app.case_assignments a
     where a.organisation_id = o.id and a.person_id = %(person)s and (a.ended_at is null or a.ended_at = %(at)s)),
    array(select c.name from app.clients c
     where c.organisation_id = o.id and c.created_by = %(person)s and c.disabled_at is null order by c.name),
    (select count(*) from app.referrals r
     where r.organisation_id = o.id and r.created_by = %(person)s and r.ended_at is null),
    (select count(*) from app.alerts a
     where a.organisation_id = o.id and a.organisation_id = any(%(managed)s) and a.is_raised and not exists (
        select from app.alert_closings c where c.organisation_id = a.organisation_id and c.alert_id = a.id))
from app.organisations o order by o.slug"""
