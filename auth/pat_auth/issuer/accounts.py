"""What somebody sees of herself: the sessions that stand, in all of her organisations, and how to end them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pat_auth.issuer.service import Service
from pat_auth.issuer.sessions import revoke_session
from pat_auth.mails.letters import MailLanguage, proof_changed_to
from pat_auth.mails.outbox import put_letter
from pat_platform.database.threads import Connection

EVERYWHERE = "signed out everywhere"
ONE = "signed out"
ELSEWHERE = "password changed"
PASSKEY_REMOVED = "passkey removed"
GENERATOR_RENEWED = "generator renewed"
CODES_RENEWED = "recovery codes renewed"
UNLINKED = "provider removed"
_LASTS = timedelta(days=1)
"""Nobody is told of a change any more that was made the day before."""


class Change(StrEnum):
    """What somebody changes of what she proves herself with, as trails call it."""

    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    GENERATOR_RENEWED = "generator.renewed"
    RECOVERY_CODES_RENEWED = "recovery_codes.renewed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  # it names a change


@dataclass(frozen=True)
class Open:
    """A session that stands: of which program, and where. What opens the database with it is not told."""

    client_name: str | None
    organisation_name: str
    created_at: datetime
    handle: UUID


def sessions_of(connection: Connection, person: UUID) -> list[Open]:
    """Hers, the newest first. Of a client that is closed meanwhile there is no name."""
    rows = connection.execute(
        "select c.name, m.organisation_name, s.created_at, s.handle from sec.sessions s"
        " join sec.memberships_of(%(person)s) m on m.membership_id = s.membership_id"
        " left join lateral sec.find_client(case when s.client ~ '^[0-9a-f-]{36}$' then s.client::uuid end) c on true"
        " where s.person_id = %(person)s and s.revoked_at is null and s.expires_at > now() order by s.created_at desc",
        {"person": person},
    )
    return [Open(*row) for row in rows]


def end_session(connection: Connection, person: UUID, handle: str) -> None:
    """End one of hers."""
    row = connection.execute(
        "select id from sec.sessions where person_id = %s and handle::text = %s", (person, handle)
    ).fetchone()
    if row is not None:
        revoke_session(connection, row[0], ONE)


def leave_everywhere(connection: Connection, service: Service, person: UUID) -> None:
    """End all of her browsers and sessions."""
    _leave(connection, service, person, None, EVERYWHERE)


def hold_person(connection: Connection, person: UUID) -> None:
    """Hold her row before what is hers is changed: whoever ends all that is hers begins with it, too."""
    connection.execute("select from sec.people where id = %s for no key update", (person,))


def leave_elsewhere(
    connection: Connection, service: Service, person: UUID, browser: UUID, because: str = ELSEWHERE
) -> None:
    """End all of her browsers and sessions but those of one browser: whoever came in with what counts no more is out."""
    _leave(connection, service, person, browser, because)


def end_sessions(connection: Connection, person: UUID, because: str) -> None:
    """End all of her sessions with programs. Her browsers stay."""
    hold_person(connection, person)
    _end_sessions(connection, person, None, because)


def _leave(
    connection: Connection, service: Service, person: UUID, browser: UUID | None, because: str
) -> None:
    # A session that is being opened is waited for, and ends with the others.
    hold_person(connection, person)
    # A browser may be somebody else's by now; what was asked for in it in her name ends all the same.
    connection.execute(
        "update sec.codes set used_at = %s where person_id = %s and used_at is null",
        (service.clock(), person),
    )
    connection.execute(
        "update sec.browsers set ended_at = %s where person_id = %s and id is distinct from %s and ended_at is null",
        (service.clock(), person, browser),
    )
    _end_sessions(connection, person, browser, because)


def _end_sessions(connection: Connection, person: UUID, browser: UUID | None, because: str) -> None:
    standing = connection.execute(
        "select id from sec.sessions where person_id = %s and (%s::uuid is null or browser_id is distinct from %s)"
        " and revoked_at is null and expires_at > now() order by id",
        (person, browser, browser),
    ).fetchall()
    for (session,) in standing:
        revoke_session(connection, session, because)


def note_change(
    connection: Connection, service: Service, person: UUID, change: Change, language: MailLanguage
) -> None:
    """Write it into the trails of her organisations, and have her sent a letter that says so, in case that it was not she."""
    connection.execute("select sec.note_change(%s, %s)", (person, change.value))
    tell_change(connection, service, person, language)


def tell_change(connection: Connection, service: Service, person: UUID, language: MailLanguage) -> None:
    """Have her sent the letter alone, of a change that is in the trail already."""
    ((email,),) = connection.execute("select email from sec.people where id = %s", (person,)).fetchall()
    if service.sends_mail and email is not None:
        letter = proof_changed_to(email, language)
        put_letter(connection, service.secrets.mails, letter, lasts=_LASTS)
