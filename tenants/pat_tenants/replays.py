"""Mutations that a client may send twice: what each key was answered with."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused

KEY_TAKEN = "pk_replays"
"""The constraint that is violated when the same mutation is under way twice."""


class Replay(Base):
    """One answered ``clientMutationId`` of one person and client.

    It keeps ids only, and of the input a keyed hash: a replay is read again under today's rights.
    """

    __tablename__ = "replays"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "person_id", "client", "key"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "person": "person_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    person_id: Mapped[UUID]
    client: Mapped[str]
    key: Mapped[UUID]
    operation: Mapped[str]
    input_hash: Mapped[bytes]
    answer: Mapped[dict[str, str]] = mapped_column(JSONB())
    answered_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Replays:
    """Answers a mutation that was done already with what it was answered then.

    ``secret`` keys the hash of inputs: they hold names, and a plain hash of a name can be guessed.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, operation: str, input_bytes: bytes) -> bytes:
        """What tells two inputs of one operation apart."""
        return hmac.digest(self._secret, operation.encode() + b"\0" + input_bytes, hashlib.sha256)

    async def answered(
        self, tx: Transaction, client: str, key: UUID, input_hash: bytes
    ) -> dict[str, str] | None:
        """What the key was answered with; None when it is new. Raises Refused when it came with another input."""
        known = await tx.get(Replay, person_id=tx.actor, client=client, key=key)
        if known is None:
            return None
        if not hmac.compare_digest(known.input_hash, input_hash):
            raise Refused(
                "MUTATION_ID_REUSED",
                "This clientMutationId was used for something else. Send a new one.",
                "clientMutationId",
            )
        return known.answer

    async def remember(
        self,
        tx: Transaction,
        client: str,
        key: UUID,
        operation: str,
        input_hash: bytes,
        answer: dict[str, str],
    ) -> None:
        """Keep the answer with the change itself: both are committed, or neither."""
        await tx.add(
            Replay(
                organisation_id=tx.organisation,
                person_id=tx.actor,
                client=client,
                key=key,
                operation=operation,
                input_hash=input_hash,
                answer=answer,
            )
        )
