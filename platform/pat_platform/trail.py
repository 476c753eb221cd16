"""The trail: one event for every write, and for every read of identity or health data, in the same transaction.

Each organisation has a chain of its own, in which every event carries the hash of the one before it. The application may
only call ``trail.record`` and ``trail.reveal``: it can neither read, change nor forge an event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, PrimaryKeyConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind

_EXACT = {
    "session": "opened revoked",
    "password": "changed reset",
    "passkey": "added removed",
    "generator": "renewed",
    "recovery_codes": "renewed",
    "upstream": "added disabled linked unlinked",
    "person": "disabled enabled",
    "member": "invited joined ended",
    "invitation": "withdrawn",
    "client": "registered updated disabled",
    "client_key": "rotated",
    "agreement": "signed suspended resumed",
    "partner": "suspended resumed",
}
EXACT = tuple(f"{noun}.{done}" for noun, all_done in _EXACT.items() for done in all_done.split())
"""Actions of which whoever audits all chains reads the moment: those about accounts and organisations."""


def shown_at(event: str = "") -> str:
    """In SQL: the moment of an event (``event`` is its name and a dot) as far as whoever audits all chains reads it.

    Of what is not `EXACT` it is the beginning of the month in India: a moment would tell the one survivor from the others.
    """
    among = ", ".join(f"'{action}'" for action in EXACT)
    return (
        f"case when {event}action = any (array[{among}]) then {event}at"
        f" else date_trunc('month', {event}at at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata' end"
    )


class Event(Base):
    """One event. ``subjects`` are the ids it is about; ``detail`` is JSON without any personal data."""

    __tablename__ = "events"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "number"),
        Index(None, "subjects", postgresql_using="gin"),
        # Whoever audits all chains finds the newest events by it.
        Index("ix_events_shown", text(f"({shown_at()})")),
        {"schema": "trail", "info": {"kind": TableKind.SECURITY}},
    )

    organisation_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(BigInteger())
    at: Mapped[datetime]
    login: Mapped[str]
    actor: Mapped[UUID | None]
    action: Mapped[str]
    subjects: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    detail: Mapped[str]
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class Head(Base):
    """The newest event of each chain; whoever appends holds its row until the transaction ends."""

    __tablename__ = "heads"
    __table_args__ = ({"schema": "trail", "info": {"kind": TableKind.SECURITY}},)

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger())
    hash: Mapped[bytes]


class Signature(Base):
    """What a chain's newest event was at a moment, signed with a key that is not in the database."""

    __tablename__ = "signatures"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "number"),
        {"schema": "trail", "info": {"kind": TableKind.SECURITY}},
    )

    organisation_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(BigInteger())
    hash: Mapped[bytes]
    signed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    signature: Mapped[str]


class _Transaction(Protocol):
    async def put(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> None: ...


_RECORD = text("select trail.record(:action, cast(:subjects as uuid[]), cast(:detail as jsonb))")


async def record(
    tx: _Transaction, action: str, subjects: Iterable[UUID] = (), **detail: str | int | bool | Sequence[str]
) -> None:
    """Append one event to the caller's own chain, in the caller's transaction.

    ``action`` is ``noun.verb`` in the past tense (``case.opened``); ``detail`` holds codes and counts, never a name, a note or a token.
    Call it last: it takes the head of the chain, and whoever waits for the head waits until this transaction ends. It is sent
    with the commit, where no answer is needed before.
    """
    await tx.put(_RECORD, {"action": action, "subjects": list(subjects), "detail": detail})


@dataclass(frozen=True)
class Broken:
    """The first event of a chain that does not fit: changed, missing, cut off at the end, or added there."""

    organisation_id: UUID
    number: int
    reason: str


GENESIS = b"\0" * 32
NOTHING_SIGNED: Mapping[int, bytes] = MappingProxyType({})


def event_hash(row: Mapping[str, Any]) -> bytes:
    """SHA-256 over the previous hash and the event's fields, each preceded by its length, as ``trail.record`` computes it."""
    fields = [
        str(row["organisation_id"]),
        str(row["number"]),
        _moment(row["at"]),
        row["login"],
        str(row["actor"] or ""),
        row["action"],
        ",".join(str(subject) for subject in row["subjects"]),
        row["detail"],
    ]
    encoded = [field.encode() for field in fields]
    return hashlib.sha256(
        row["previous"] + b"".join(b"%d:%b" % (len(field), field) for field in encoded)
    ).digest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def first_broken(
    events: Iterable[Mapping[str, Any]],
    head: Mapping[str, Any] | None,
    signed: Mapping[int, bytes] = NOTHING_SIGNED,
) -> Broken | None:
    """Walk one organisation's events in order of number and name the first that does not fit; None when the chain holds.

    ``head`` is the chain's row of ``trail.heads``, None when there is none: it shows whether events were cut off or put on at the
    end. Whoever can write both tables can write another chain that fits: ``signed`` are the hashes of events, by their numbers, for
    which there is a signature.
    """
    previous, number, organisation = GENESIS, 0, None
    newest = head["number"] if head else 0
    for row in events:
        organisation, number = row["organisation_id"], number + 1
        if row["number"] != number:
            return Broken(organisation, number, "missing")
        if number > newest:
            return Broken(organisation, number, "added")
        if row["previous"] != previous or row["hash"] != event_hash(row):
            return Broken(organisation, number, "changed")
        if signed.get(number, row["hash"]) != row["hash"]:
            return Broken(organisation, number, "not what was signed")
        previous = row["hash"]
    if head and number < max([newest, *signed]):
        return Broken(head["organisation_id"], number + 1, "cut off")
    if head and head["hash"] != previous:
        return Broken(head["organisation_id"], number, "changed")
    return None
