"""Sending what is in the outbox: one loop in each process, and none of them waits for another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from smtplib import SMTP, SMTP_SSL, SMTPException, SMTPRecipientsRefused
from uuid import UUID

from pat_auth.mails.alarms import put_alarms
from pat_auth.mails.letters import Letter
from pat_auth.mails.outbox import letter_is_over, take_letter
from pat_platform.database.threads import Connections
from pat_platform.errors import Fault
from pat_platform.logging import get_logger
from pat_platform.settings import MailAccess
from pat_server.assembly import Parts, mail_key

log = get_logger("pat.mail")

EVERY_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0
_SUBMISSIONS = 465
"""The port on which TLS begins at once (RFC 8314)."""
_HERE = ("127.0.0.1", "::1", "localhost")
_LASTING = 500

Send = Callable[[UUID, Letter], None]


class Refused(Exception):
    """The mail server will never take this letter."""


async def send_what_is_due(parts: Parts, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Send what is in the outbox, until cancelled; at once nothing where no mail is sent."""
    send = _sender(parts)
    if send is None:
        return
    key = mail_key(parts.settings)
    while True:
        await asyncio.sleep(every_seconds)
        try:
            # Not in the threads that people wait for to sign in.
            await asyncio.to_thread(call_managers, parts.issuer.connections, key)
            while await asyncio.to_thread(send_one, parts.issuer.connections, key, send):
                pass
        except Fault as fault:
            log.warning("mail.failed", code=fault.code)
        except Exception as mistake:
            # Whatever one letter does to us, the next ones are sent.
            log.error("mail.mistake", exc_info=mistake)


def call_managers(connections: Connections, key: bytes) -> None:
    """Put letters to case managers into the outbox who have an alert to look at."""
    with connections.transaction() as connection:
        called = put_alarms(connection, key)
    if called:
        log.info("alert.told", count=called)


def send_one(connections: Connections, key: bytes, send: Send) -> bool:
    """Take a letter that is due, send it, and say so; return whether there was one.

    What fails is tried again later. Logs name nobody.
    """
    with connections.transaction() as connection:
        taken = take_letter(connection, key, _now())
    if taken is None:
        return False
    sent_at = None
    try:
        if taken.letter is None:
            log.error("mail.unreadable")
        else:
            send(taken.mail, taken.letter)
            sent_at = _now()
    except Refused:
        log.warning("mail.refused")
    except (OSError, SMTPException) as trouble:
        # Its text may quote an address.
        log.warning("mail.not_sent", error=type(trouble).__name__)
        return True
    with connections.transaction() as connection:
        letter_is_over(connection, taken.mail, sent_at=sent_at)
    return True


def send_by(access: MailAccess, mail: UUID, letter: Letter) -> None:
    """Hand a letter to the mail server. Raises Refused, and OSError or SMTPException for what may pass."""
    message = message_of(access.sender, mail, letter)
    with _connected(access) as server:
        if access.password_file is not None:
            server.login(access.user, access.password_file.read_text(encoding="utf-8").strip())
        try:
            server.send_message(message)
        except SMTPRecipientsRefused as refused:
            if all(code >= _LASTING for code, _ in refused.recipients.values()):
                raise Refused from None
            raise


def message_of(sender: str, mail: UUID, letter: Letter) -> EmailMessage:
    """The letter as mail. Sent twice, it has the same id."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Message-ID"] = f"<{mail}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _connected(access: MailAccess) -> SMTP:
    context = ssl.create_default_context()
    if access.port == _SUBMISSIONS:
        return SMTP_SSL(access.host, access.port, timeout=_PATIENCE_SECONDS, context=context)
    server = SMTP(access.host, access.port, timeout=_PATIENCE_SECONDS)
    try:
        if access.host not in _HERE:
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _sender(parts: Parts) -> Send | None:
    access = parts.settings.mail
    if access is not None:
        return lambda mail, letter: send_by(access, mail, letter)
    return _print if parts.settings.demo else None


def _print(_: UUID, letter: Letter) -> None:
    print(f"\nMail to {letter.to}: {letter.subject}\n\n{letter.text}", flush=True)


def _now() -> datetime:
    return datetime.now(UTC)
