"""What the database may answer instead of rows."""

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from pat_platform.errors import Fault

PROGRAMMING_ERRORS = "42"


class DatabaseError(Exception):
    """A statement that PostgreSQL refused. `sqlstate` says why; `message` may quote data: never for clients.

    `constraint` is the name of the violated constraint, if any. `position` is the place of the failed
    statement among those that were sent together.
    """

    def __init__(self, sqlstate: str, message: str, constraint: str | None = None, position: int = 0) -> None:
        super().__init__(sqlstate, message, constraint)
        self.sqlstate = sqlstate
        self.message = message
        self.constraint = constraint
        self.position = position

    def __str__(self) -> str:
        # Messages of other classes quote values ("invalid input syntax for type uuid: …"): logs must not.
        if self.sqlstate.startswith(PROGRAMMING_ERRORS):
            return f"SQLSTATE {self.sqlstate}: {self.message}"
        return f"SQLSTATE {self.sqlstate}" + (f" ({self.constraint})" if self.constraint else "")


class ConnectionLost(Exception):
    """The connection is gone. `was_sent` tells whether the server may have seen the statements."""

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__("the connection to the database is lost")
        self.was_sent = was_sent


class PresumedInVain(Exception):
    """What a verb took for granted is not so: nothing that it did was kept. It can be run again, presuming nothing."""


class UnknownLogin(Exception):
    """A login that no organisation has (any more)."""


def unauthenticated() -> Fault:
    """The fault for a session that is unknown, expired, revoked or of another login: one sentence for all."""
    return Fault("UNAUTHENTICATED", "Your session has ended. Sign in again.")


def error_from(result: PGresult, position: int) -> DatabaseError:
    """The error that a failed result tells."""

    def field(which: DiagnosticField) -> str | None:
        value = result.error_field(which)
        return value.decode(errors="replace") if value is not None else None

    return DatabaseError(
        field(DiagnosticField.SQLSTATE) or "XX000",
        field(DiagnosticField.MESSAGE_PRIMARY) or "",
        field(DiagnosticField.CONSTRAINT_NAME),
        position,
    )


def ends_connection(result: PGresult) -> bool:
    """Whether the server hangs up after this error, as it does when it is told to stop."""
    severity = result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED)
    return severity in (b"FATAL", b"PANIC", None)
