"""Who may be invited, and as what. Pure decisions."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta

from pat_auth.invitations.models import INVITED
from pat_auth.policy import Role
from pat_platform.errors import Refused
from pat_platform.texts import plain

STANDS = timedelta(days=7)
"""How long an invitation stands, unless somebody says otherwise."""
NAME_LIMIT = 120
_LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def is_an_email(text: str) -> str:
    """An e-mail address as it is kept, in lower case. Raises Refused for what is none."""
    email = text.strip().lower()
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise Refused(
            "EMAIL_INVALID", "This is not an e-mail address. It looks like name@example.org.", "email"
        )
    return email


def is_a_name(text: str) -> str:
    """The name under which colleagues will know her. Raises Refused for none, or an endless one."""
    if not text.strip():
        raise Refused("NAME_EMPTY", "The name is empty. Write what colleagues call this person.", "name")
    return plain(text, limit=NAME_LIMIT, field="name")


def is_invited_as(role: Role, there: Collection[Role]) -> Role:
    """A role that somebody may be invited into at an organisation that has those. Raises Refused."""
    if role not in INVITED:
        sentence = "Nobody is invited as this: their access is made with their record, or with their program."
        raise Refused("ROLE_INVALID", sentence, "role")
    if role not in there:
        raise Refused("ROLE_INVALID", "This organisation has no such role. Choose another.", "role")
    return role


def is_not_there(is_member: bool) -> None:
    """Raises Refused for somebody who is a member in that role already."""
    if is_member:
        raise Refused("ALREADY_A_MEMBER", "This person has this role here already.", "email")
