"""Arrivals of survivors who sign in with a PIN, and which of them are alerts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of


class AlertKind(StrEnum):
    """What has happened."""

    DURESS = "DURESS"
    """She signed in with the PIN for when somebody makes her."""
    WITHDRAWAL = "WITHDRAWAL"
    """A consent was withdrawn: she may have been made to do it."""


class Alert(Base):
    """That a survivor has come in. Only those that are raised are shown: she came in with the PIN for when somebody makes her."""

    __tablename__ = "alerts"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_alerts_survivor",
        ),
        one_of("kind", AlertKind),
        Index(None, "organisation_id", "survivor_id"),
        Index(None, "organisation_id", "created_at"),
        Index(
            "ix_alerts_told_at",
            *("organisation_id", "created_at"),
            postgresql_where=text("is_raised and told_at is null"),
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    survivor_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    kind: Mapped[str] = mapped_column(server_default=text("'DURESS'"))
    is_raised: Mapped[bool]
    told_at: Mapped[datetime | None]
    """When its organisation's case managers were sent a mail."""


class AlertOutcome(StrEnum):
    """Why an alert is closed."""

    SAFE = "SAFE"
    """Somebody has met her, or talked to her alone: she is safe."""
    MISTAKE = "MISTAKE"
    """She had typed the other PIN, and says so herself."""
    HANDED_ON = "HANDED_ON"
    """Others have taken it on: the police, another organisation."""


class AlertClosing(Base):
    """That somebody has seen to an alert. It is written once, and stays."""

    __tablename__ = "alert_closings"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "alert_id"),
        ForeignKeyConstraint(
            ["organisation_id", "alert_id"],
            ["app.alerts.organisation_id", "app.alerts.id"],
            name="fk_alert_closings_alert",
        ),
        one_of("because", AlertOutcome),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    alert_id: Mapped[UUID]
    because: Mapped[str]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
