"""Invitations, known by the hash of the token that the link carries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_auth.policy import Role
from pat_platform.database.models import Base, TableKind

INVITED = tuple(role for role in Role if role not in (Role.SURVIVOR, Role.SERVICE))
"""As what somebody may be invited. A survivor's membership says whose record she sees, a machine's is made with its client."""

_LISTED = ", ".join(f"'{role.value}'" for role in INVITED)


class Invitation(Base):
    """One invitation into one role of one organisation: taken up once, by whom it was sent to."""

    __tablename__ = "invitations"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "token_hash"),
        Index(None, "token_hash"),
        CheckConstraint(f"role in ({_LISTED})", name="role"),
        CheckConstraint("email = lower(email)", name="email"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    email: Mapped[str]
    name: Mapped[str]
    """The name under which colleagues will know her."""
    role: Mapped[str]
    token_hash: Mapped[bytes]
    expires_at: Mapped[datetime]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    taken_up_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
