"""The one table of transitions, as the database has it: its triggers and the clients' buttons ask the same rows."""

from __future__ import annotations

from sqlalchemy import ARRAY, CheckConstraint, PrimaryKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind


class TransitionRow(Base):
    """One step. Written by the renderer alone, from ``steps.py``, with the rest of the wall."""

    __tablename__ = "transitions"
    __table_args__ = (
        PrimaryKeyConstraint("noun", "from_state", "to_state"),
        CheckConstraint("noun in ('referral', 'hearing', 'referral_hearing')", name="noun"),
        CheckConstraint(
            "guard in ('CONSENT', 'TERMS', 'VIDEO', 'LINK', 'SUPPORT', 'ROOM', 'LINK_CONFIRMED', 'SUPPORT_CONFIRMED')",
            name="guard",
        ),
        {"schema": "app", "info": {"kind": TableKind.REFERENCE}},
    )

    noun: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    permission: Mapped[str]
    guard: Mapped[str | None]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    """Who holds the permission: as the names of logins end."""
