"""Mail that is to be sent. To whom, and what it says, is sealed, and gone once it was sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind


class Mail(Base):
    """One letter, until it was sent or is of no use any more."""

    __tablename__ = "mails"
    __table_args__ = (
        Index(None, "next_at", postgresql_where=text("sealed is not null")),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes | None]
    """None once it is over: links that open something are not kept."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    """From when on its link opens nothing: it is not sent any more."""
    next_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """Before this moment nobody tries to send it."""
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    sent_at: Mapped[datetime | None]
