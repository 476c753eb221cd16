"""What is in the outbox, as whoever is sent it would read it."""

from __future__ import annotations

import re

from tests.support.granting import Granting

from pat_auth.mails.letters import Letter, open_letter


def letters(granting: Granting) -> list[Letter]:
    """All that wait to be sent, the newest last."""
    rows = granting.rows(
        "select id, sealed from sec.mails where sealed is not null and next_at <= now() order by ctid"
    )
    found = [open_letter(granting.service.secrets.mails, mail, sealed) for mail, sealed in rows]
    return [letter for letter in found if letter is not None]


def link_in(letter: Letter) -> str:
    """Where the link in a letter leads, without its origin."""
    found = re.search(r"https://pat\.example(/\S+)", letter.text)
    assert found, letter
    return found[1]
