"""Calling case managers to the alerts of their organisation. Whoever sends mail does it, and not the request that raises one.

So nothing that the person who signs in can measure depends on which PIN she typed.
"""

from __future__ import annotations

from datetime import timedelta

from pat_auth.mails.letters import MailLanguage, alarm_to
from pat_auth.mails.outbox import put_letter
from pat_platform.database.threads import Connection

LASTS = timedelta(days=1)
"""A call that could not be sent for so long is not sent any more: the alert stands in the list."""


def put_alarms(connection: Connection, key: bytes) -> int:
    """Have those case managers sent a letter who are to be told of an alert; return how many. They are told of each alert once."""
    managers = connection.execute("select email, language from sec.tell_alerts()").fetchall()
    for email, language in managers:
        put_letter(connection, key, alarm_to(email, MailLanguage.of(language)), lasts=LASTS)
    return len(managers)
