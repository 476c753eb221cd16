"""Consents: each a row that nobody changes. What was agreed to is widened by another consent, and ended by a withdrawal."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, all_of, one_of
from pat_tenants.referrals.models import Need, Scope


class ConsentGiver(StrEnum):
    """Who agreed. For a child it is her guardian, or, where he must not be asked, the Child Welfare Committee."""

    SELF = "SELF"
    GUARDIAN = "GUARDIAN"
    CHILD_WELFARE_COMMITTEE = "CHILD_WELFARE_COMMITTEE"


class ConsentMode(StrEnum):
    """How it was given: what there is to show for it."""

    SIGNATURE = "SIGNATURE"
    THUMBPRINT = "THUMBPRINT"
    VERBAL_WITNESSED = "VERBAL_WITNESSED"
    AUDIO = "AUDIO"
    APP = "APP"


class ConsentQuestion(StrEnum):
    """The seven questions of HTCDS 2.0 on informed consent. What she is asked of research she may decline."""

    PURPOSE = "PURPOSE"
    USE = "USE"
    RESEARCH_USE = "RESEARCH_USE"
    ACCESS_REQUEST = "ACCESS_REQUEST"
    STORAGE_PERIOD = "STORAGE_PERIOD"
    WITHDRAWAL = "WITHDRAWAL"
    GIVEN_FREELY = "GIVEN_FREELY"


class Consent(Base):
    """What may be shared about one survivor, with one organisation, for one purpose, until when, and what there is to show for it."""

    __tablename__ = "consents"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "id", "survivor_id", name="uq_consents_hers"),
        UniqueConstraint(
            "organisation_id", "id", "survivor_id", "recipient_id", "purpose", name="uq_consents_referred"
        ),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_consents_survivor",
        ),
        one_of("giver", ConsentGiver),
        one_of("purpose", Need),
        one_of("mode", ConsentMode),
        all_of("scopes", Scope),
        all_of("agreed", ConsentQuestion),
        CheckConstraint("cardinality(scopes) > 0", name="something"),
        CheckConstraint("valid_until > given_at", name="valid"),
        CheckConstraint("recipient_id <> organisation_id", name="recipient"),
        CheckConstraint("giver = 'SELF' or mode <> 'APP'", name="signed_in"),
        CheckConstraint("(mode = 'APP') = (evidence is null)", name="evidence"),
        Index(None, "organisation_id", "survivor_id"),
        Index(None, "recipient_id", "organisation_id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    recipient_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    purpose: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    giver: Mapped[str]
    mode: Mapped[str]
    notice_version: Mapped[str]
    notice_language: Mapped[str]
    """ISO 639-1: the language in which she was told."""
    agreed: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    """The questions that were answered with yes."""
    evidence: Mapped[str | None]
    """The mark under which the sheet or the recording is kept; none where she is signed in herself."""
    given_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    valid_until: Mapped[datetime]
    created_by: Mapped[UUID]


class ConsentWithdrawal(Base):
    """That a consent is over. From the next statement on nothing is shared on the strength of it."""

    __tablename__ = "consent_withdrawals"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "consent_id"),
        ForeignKeyConstraint(
            ["organisation_id", "consent_id", "survivor_id"],
            ["app.consents.organisation_id", "app.consents.id", "app.consents.survivor_id"],
            name="fk_consent_withdrawals_consent",
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    consent_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class BarredGuardian(Base):
    """That her guardian is not asked: he may be the one she has to be kept safe from. Nobody takes it back here."""

    __tablename__ = "barred_guardians"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_barred_guardians_survivor",
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    survivor_id: Mapped[UUID]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
