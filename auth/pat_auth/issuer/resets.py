"""A new password for whoever has lost hers: by a link that her mailbox is sent, and her second factor if she has one.

Nothing tells whether anybody signs in with an address: for each the same is written, but for whose link it is and what the letter says.
A mailbox alone opens no account that has a second factor: see `pat_server.sign_in.resetting`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

from pat_auth.issuer.passwords import KEY, hash_password
from pat_auth.issuer.proving import admit, normal_email
from pat_auth.issuer.service import Service
from pat_auth.issuer.taking_up import hash_of_token, new_token
from pat_auth.issuer.throttle import Attempt, succeed
from pat_auth.mails.letters import MailLanguage, changed_to, reset_to
from pat_auth.mails.outbox import put_letter
from pat_auth.models import SecretKind
from pat_platform.database.threads import Connection

LASTS = timedelta(minutes=30)
"""How long a link is good."""
TELLING = timedelta(days=2)
"""For how long it is tried to tell her that her password was changed."""
PATH = "/sign-in/reset"
"""Where the link leads."""
ACCOUNT = "/account"
"""Where somebody sees what she signs in with, and removes what she does not know."""

_ASK = """
insert into sec.resets (key, token_hash, person_id, replaces, expires_at)
select %(key)s, %(token_hash)s, p.id, sha256(convert_to(s.hash, 'UTF8')), now() + %(lasts)s
from (select 1) as one
left join (sec.people p join sec.secrets s on s.person_id = p.id and s.kind = %(kind)s)
    on p.email = %(email)s and p.disabled_at is null
on conflict (key) do update set
    token_hash = excluded.token_hash, person_id = excluded.person_id, replaces = excluded.replaces,
    expires_at = excluded.expires_at, used_at = null
returning person_id"""


@dataclass(frozen=True)
class Resetting:
    """Whose password a link replaces."""

    person: UUID
    email: str = field(repr=False)


class Outcome(StrEnum):
    """What became of choosing a new password."""

    CHANGED = "CHANGED"
    GONE = "GONE"
    """The link is over."""
    BUSY = "BUSY"
    """Too many have tried of late."""


def ask_reset(service: Service, *, email: str, address: str, language: MailLanguage) -> None:
    """Have the link sent to whoever signs in with this address and has a password. Any link that was sent before is over.

    Nothing tells whether there is somebody, nor that it came too early, when nothing is sent.
    """
    email = normal_email(email)
    if not admit(service, Attempt.reset(service, email, address)):
        return
    token = new_token()
    letter = reset_to(email, f"{service.issuer}{PATH}?{urlencode({'token': token})}", language)
    values = {
        "key": hmac.digest(service.secrets.counters, f"reset|{email}".encode(), "sha256"),
        "token_hash": hash_of_token(token),
        "lasts": LASTS,
        "kind": SecretKind.PASSWORD,
        "email": email,
    }
    with service.connections.transaction() as connection:
        row = connection.execute(_ASK, values).fetchone()
        is_somebodys = row is not None and row[0] is not None
        put_letter(connection, service.secrets.mails, letter, lasts=LASTS, is_sent=is_somebodys)


def find_reset(connection: Connection, token: str) -> Resetting | None:
    """Whose password the link replaces; None if it is over, or none of ours."""
    row = connection.execute("select * from sec.find_reset(%s)", (hash_of_token(token),)).fetchone()
    return Resetting(*row) if row else None


def reset_password(
    service: Service, *, token: str, password: str, address: str, language: MailLanguage
) -> Outcome:
    """Replace the password of whoever holds the link, once; her second factor is for the caller to ask for.

    Everything that she had signed in to ends, and she is told by a letter. Never call it with a connection in hand: it hashes.
    """
    attempt = Attempt.new(service, address)
    if not admit(service, attempt):
        return Outcome.BUSY
    hashed = hash_password(service, password)
    with service.connections.transaction() as connection:
        row = connection.execute(
            "select sec.reset_password(%s, %s, %s::smallint)", (hash_of_token(token), hashed, KEY)
        ).fetchone()
        email = row[0] if row else None
        if email is None:
            return Outcome.GONE
        succeed(connection, attempt)
        letter = changed_to(email, f"{service.issuer}{ACCOUNT}", language)
        put_letter(connection, service.secrets.mails, letter, lasts=TELLING)
    return Outcome.CHANGED
