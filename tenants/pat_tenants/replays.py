"""Mutations that a client may send twice: what each key was answered with."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind


class Replay(Base):
    """One answered ``clientMutationId`` of one person and client. It keeps ids only: a replay is read again under today's rights."""

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
