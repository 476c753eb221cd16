"""How far somebody has come in proving who she is, in one browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pat_auth.issuer.methods import SECOND, Method

# RFC 8176. A code that she wrote down is a one-time code too.
_REFERENCES = {
    Method.PASSWORD: ("pwd",),
    Method.OTP: ("otp",),
    Method.RECOVERY: ("otp",),
    # A key in hardware, and somebody who touched it.
    Method.PASSKEY: ("hwk", "user"),
    Method.PIN: ("pin",),
    # With what she proved it there is not for us to say.
    Method.UPSTREAM: (),
}
_SEVERAL = "mfa"


class Strength(StrEnum):
    """How a sign-in is called in ``acr``: by its number of factors."""

    ONE = "1"
    TWO = "2"


@dataclass(frozen=True)
class Standing:
    """A person who has signed in with a browser, when, and with what."""

    person: UUID
    browser: UUID
    first_at: datetime
    second_at: datetime | None
    methods: frozenset[Method]
    is_duress: bool = field(default=False, repr=False)
    """Whether somebody makes her: what she sees then is empty, and nothing says so."""
    within: UUID | None = None
    """The organisation whose own provider says who she is: it speaks for itself and for no other. None if she proved it here."""

    @property
    def acr(self) -> Strength:
        """How many factors she has proved."""
        return Strength.ONE if self.second_at is None else Strength.TWO

    @property
    def auth_time(self) -> datetime:
        """The moment since which all of it was proved: the older of two factors counts."""
        return self.first_at if self.second_at is None else min(self.first_at, self.second_at)

    @property
    def amr(self) -> list[str]:
        """The references (RFC 8176) of what she proved it with."""
        references = {reference for method in self.methods for reference in _REFERENCES[method]}
        if self.second_at is not None and self.methods & {*SECOND, Method.UPSTREAM}:
            references.add(_SEVERAL)
        return sorted(references)
