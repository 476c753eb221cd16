"""What the login behind the sign-in pages holds: the tables of its own schema, column by column. Nothing of any organisation's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pat_platform.database.logins import SIGN_IN


@dataclass(frozen=True)
class Kept:
    """One table: what may be read (None for every column), whether rows are put in, and which columns are changed."""

    table: str
    reads: tuple[str, ...] | None = None
    is_added_to: bool = True
    changes: tuple[str, ...] = ()


KEPT = (
    Kept("sec.asks", changes=("membership_id", "ended_at")),
    Kept("sec.assertions"),
    Kept("sec.attempts", changes=("failures", "last_at", "next_at")),
    Kept(
        "sec.browsers",
        changes=("secret_hash", "person_id", "first_at", "second_at", "methods", "seen_at", "ended_at"),
    ),
    Kept("sec.codes", changes=("used_at", "session_id")),
    Kept("sec.consents", changes=("scopes", "given_at", "withdrawn_at")),
    # Who there is, and which sessions stand, is for the functions of the schema to say.
    Kept(
        "sec.people",
        reads=("id", "email", "disabled_at", "language"),
        is_added_to=False,
        changes=("language",),
    ),
    Kept("sec.recovery_codes", changes=("used_at",)),
    Kept("sec.refresh_tokens", changes=("used_at",)),
    Kept("sec.second_factors", changes=("confirmed_at", "last_step")),
    Kept("sec.secrets", changes=("hash", "key", "changed_at")),
    Kept("sec.sessions", is_added_to=False, changes=("used_at",)),
)
"""Nothing is ever deleted by it."""


def grants() -> Iterator[tuple[str, str, str]]:
    """Each privilege: the table, the command, and a column, or ``*`` for the whole table."""
    for kept in KEPT:
        for column in kept.reads or ("*",):
            yield kept.table, "SELECT", column
        if kept.is_added_to:
            yield kept.table, "INSERT", "*"
        for column in kept.changes:
            yield kept.table, "UPDATE", column


def render() -> Iterator[tuple[str, str]]:
    """The statements that grant it, each with the role that must run it."""
    yield "pat_sec", f"grant usage on schema sec to {SIGN_IN}"
    for kept in KEPT:
        reads = f"select ({', '.join(kept.reads)})" if kept.reads else "select"
        adds = ("insert",) if kept.is_added_to else ()
        changes = (f"update ({', '.join(kept.changes)})",) if kept.changes else ()
        yield "pat_sec", f"grant {', '.join((reads, *adds, *changes))} on {kept.table} to {SIGN_IN}"
        if kept.is_added_to:
            # Row security binds the owner of the table too, in whose name its functions run.
            yield "pat_sec", f"create policy keeper on {kept.table} to pat_sec using (true) with check (true)"
        yield "pat_sec", f"create policy sign_in on {kept.table} to {SIGN_IN} using (true) with check (true)"
