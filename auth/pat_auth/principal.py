"""Who a verified request acts as."""

from dataclasses import dataclass
from uuid import UUID

from pat_auth.policy import Role

STEP_UP_SECONDS = 600
"""How long two factors that somebody proved count as proved lately."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A person in one role of one organisation, through one session, with what a client may ask for at most.

    The membership is chosen at sign-in and never merged with another of the same person.
    """

    person: UUID
    organisation: UUID
    role: Role
    session: UUID
    scopes: frozenset[str]
    client: str
    auth_time: int | None = None
    """When she proved who she is, in seconds since 1970; None where nobody did, as with a demo's token."""
    acr: str | None = None
    """How: "1" for one factor, "2" for two."""

    @property
    def login(self) -> str:
        """The PostgreSQL login that this principal's statements run as; row security reads it."""
        return f"org_{self.organisation.hex}_{self.role.value}"

    def has_proved_both_lately(self, now: float) -> bool:
        """Whether she proved two factors within the last ten minutes, at a moment in seconds since 1970."""
        return self.acr == "2" and self.auth_time is not None and now - self.auth_time <= STEP_UP_SECONDS
