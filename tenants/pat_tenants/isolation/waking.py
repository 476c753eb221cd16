"""Who may do what for people to be told of changes at once: the login that listens, and the triggers that write what has changed.

The login hears that something happened, in the whole network, and asks for no more than whom it concerns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pat_platform.database.logins import LISTENER, SIGN_IN

CALLERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sec.changed_since(pg_snapshot)": (LISTENER,),
        "sec.live_among(uuid[])": (LISTENER,),
        "sec.forget_changes()": (SIGN_IN,),
    }
)
"""Who calls the functions, as PostgreSQL writes them."""

WRITERS = (
    "sec.note_referral()",
    "sec.note_word_on_referral()",
    "sec.note_withdrawal()",
    "sec.note_agreement()",
    "sec.note_basis()",
    "sec.note_suspension()",
    "sec.note_assignment()",
    "sec.note_hearing()",
    "sec.note_confirmation()",
    "sec.note_step()",
)
"""What the triggers call: nobody else may."""

TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        f"app.{table}.note": f"CREATE TRIGGER note AFTER INSERT OR UPDATE ON app.{table} FOR EACH ROW EXECUTE FUNCTION {function}"
        for table, function in (
            ("referrals", WRITERS[0]),
            ("referral_answers", WRITERS[1]),
            ("referral_hearings", WRITERS[1]),
            ("partner_suspensions", "sec.note_suspension()"),
            ("referral_updates", WRITERS[1]),
            ("referral_assignments", "sec.note_assignment()"),
            ("hearings", "sec.note_hearing()"),
            ("hearing_confirmations", "sec.note_confirmation()"),
        )
    }
)
"""All triggers that there are, as PostgreSQL writes them."""

_CHANGES = "app.referral_changes"
_REFERRAL = (
    "organisation_id",
    "id",
    "received_id",
    "case_id",
    "survivor_id",
    "to_organisation_id",
    "consent_id",
    "basis_id",
)

KEEPER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("app.referrals", "SELECT", _REFERRAL),
    (_CHANGES, "SELECT", ("organisation_id", "transaction", "changed_at")),
    (_CHANGES, "INSERT", ("organisation_id", "referral_id", "case_id", "survivor_id", "is_of_hearings")),
    (_CHANGES, "DELETE", ()),
    (
        "app.referral_steps",
        "INSERT",
        ("organisation_id", "referral_id", "case_id", "survivor_id", "state", "actor"),
    ),
)
"""What the functions reach of the tables of organisations, in the name of their owner; no columns for the whole table."""


def grants() -> Iterator[tuple[str, str, str, str]]:
    """Each privilege: who holds it, the table, the command, and a column, or ``*`` for the whole table."""
    for table, command, columns in KEEPER:
        for column in columns or ("*",):
            yield "pat_sec", table, command, column


def render() -> Iterator[tuple[str, str]]:
    """The statements that grant it, each with the role that must run it."""
    yield "pat_sec", f"grant usage on schema sec to {LISTENER}"
    for function, callers in CALLERS.items():
        yield "pat_sec", f"grant execute on function {function} to {', '.join(callers)}"
    for table, command, columns in KEEPER:
        some = f" ({', '.join(columns)})" if columns else ""
        yield "pat_owner", f"grant {command.lower()}{some} on {table} to pat_sec"
        clause = "with check (true)" if command == "INSERT" else "using (true)"
        name = f"waking_{command.lower()}"
        yield "pat_owner", f"create policy {name} on {table} for {command.lower()} to pat_sec {clause}"
