"""The outbox: letters are put in by whoever writes them, in the transaction that they belong to, and taken out to be sent.

What was taken is not looked at again before a pause is over. Whoever is killed between sending and saying so leaves it to be sent
once more, under the same id, by which the mail servers of receivers know it; nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

from sqlalchemy import text

from pat_auth.mails.letters import Letter, MailLanguage, invitation_to, open_letter, seal_letter
from pat_platform.database.threads import Connection
from pat_platform.database.transaction import Transaction

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=1)
_FORGOTTEN = timedelta(days=31)
"""How long ago a letter is over that is deleted at once."""
_NEVER = timedelta(days=365)
_POST = text("select sec.post_mail(:mail, :sealed, :expires_at)")


@dataclass(frozen=True)
class Outbox:
    """Where the letters of this deployment are put."""

    key: bytes = field(repr=False)
    issuer: str

    async def invite(
        self, tx: Transaction, *, email: str, token: str, language: MailLanguage, expires_at: datetime
    ) -> None:
        """Have somebody sent the link of an invitation."""
        link = f"{self.issuer}/invitation?{urlencode({'token': token})}"
        mail = uuid4()
        sealed = seal_letter(self.key, mail, invitation_to(email, link, language))
        await tx.execute(_POST, {"mail": mail, "sealed": sealed, "expires_at": expires_at})


def put_letter(
    connection: Connection, key: bytes, letter: Letter, *, lasts: timedelta, is_sent: bool = True
) -> None:
    """Have a letter sent, if its time is not over before; one that ``is_sent`` to nobody takes as long to put in."""
    mail = uuid4()
    connection.execute(
        "insert into sec.mails (id, sealed, expires_at, next_at) values (%s, %s, now() + %s, now() + %s)",
        # It is never due, and deleted with what is forgotten next.
        (
            mail,
            seal_letter(key, mail, letter),
            *((lasts, timedelta(0)) if is_sent else (-_FORGOTTEN, _NEVER)),
        ),
    )


@dataclass(frozen=True)
class Taken:
    """A letter that is to be sent now; None for one that opens no more."""

    mail: UUID
    letter: Letter | None


def take_letter(connection: Connection, key: bytes, now: datetime) -> Taken | None:
    """A letter that is due and nobody else has taken: it is the caller's, once the transaction is committed.

    It is to be sent in less than the first pause. Those that have expired are emptied.
    """
    connection.execute(
        "update sec.mails set sealed = null where id = any(array(select m.id from sec.mails m"
        " where m.sealed is not null and m.next_at <= %(now)s and m.expires_at <= %(now)s limit 100 for update skip locked))",
        {"now": now},
    )
    row = connection.execute(
        "select m.id, m.sealed, m.tries from sec.mails m where m.sealed is not null and m.next_at <= %s"
        " order by m.next_at limit 1 for update skip locked",
        (now,),
    ).fetchone()
    if row is None:
        return None
    mail, sealed, tries = row
    connection.execute(
        "update sec.mails set tries = %s, next_at = %s where id = %s",
        (tries + 1, now + pause_after(tries), mail),
    )
    return Taken(mail, open_letter(key, mail, sealed))


def pause_after(tries: int) -> timedelta:
    """How long nobody tries again: twice as long each time, up to an hour."""
    return min(_FIRST_PAUSE * (1 << min(tries, 10)), _LONGEST_PAUSE)


def letter_is_over(connection: Connection, mail: UUID, *, sent_at: datetime | None) -> None:
    """A letter was sent, or nobody will ever take it: what it says is forgotten."""
    connection.execute("update sec.mails set sealed = null, sent_at = %s where id = %s", (sent_at, mail))
