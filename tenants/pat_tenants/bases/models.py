"""Legal bases other than consent: a grant each, which no withdrawal ends and nobody prolongs or widens."""

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


class LegalBasisKind(StrEnum):
    """What there is instead of her consent."""

    COURT_ORDER = "COURT_ORDER"
    """A court has ordered it."""
    STATUTORY_DUTY = "STATUTORY_DUTY"
    """A law obliges the organisation to it."""
    VITAL_INTEREST = "VITAL_INTEREST"
    """She is missing, or her life is in danger, now."""


class LegalBasisReview(StrEnum):
    """What is said of a vital interest afterwards."""

    JUSTIFIED = "JUSTIFIED"
    UNJUSTIFIED = "UNJUSTIFIED"


class LegalBasis(Base):
    """What may be shared about one survivor with one organisation, for one purpose, without her consent, until when, and on what.

    What it allows is never changed. It is approved, ended and reviewed once each, by whom and in what order ``app.take_basis_step()``
    says. ``approved_at`` is set for a vital interest alone, which opens nothing before.
    """

    __tablename__ = "legal_bases"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "id", "survivor_id", name="uq_legal_bases_hers"),
        UniqueConstraint(
            "organisation_id", "id", "survivor_id", "recipient_id", "purpose", name="uq_legal_bases_referred"
        ),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_legal_bases_survivor",
        ),
        one_of("kind", LegalBasisKind),
        one_of("purpose", Need),
        one_of("review", LegalBasisReview),
        all_of("scopes", Scope),
        CheckConstraint("cardinality(scopes) > 0", name="something"),
        CheckConstraint("recipient_id <> organisation_id", name="recipient"),
        CheckConstraint(
            "kind <> 'VITAL_INTEREST' or scopes <@ array['CONTACT_SAFE', 'SHELTER_REPATRIATION', 'RISK_SAFETY']::text[]",
            name="vital",
        ),
        CheckConstraint(
            "valid_until > created_at and valid_until <= created_at"
            " + case kind when 'VITAL_INTEREST' then interval '72 hours' else interval '4320 hours' end",
            name="valid",
        ),
        CheckConstraint(
            "(kind = 'VITAL_INTEREST') = (reference is null) and reference"
            " ~ '^([A-Z]{1,5}[-/. ]{0,2})?(S[-/. ]{1,2})?[0-9]{1,6}([-/. ]{1,2}[0-9]{1,6}){0,6}$'",
            name="reference",
        ),
        CheckConstraint(
            "(approved_by is null) = (approved_at is null)"
            " and (approved_by is null or (kind = 'VITAL_INTEREST' and approved_by <> created_by))",
            name="approved",
        ),
        CheckConstraint("(ended_by is null) = (ended_at is null)", name="ended"),
        CheckConstraint(
            "(reviewed_by is null) = (reviewed_at is null) and (reviewed_by is null) = (review is null)"
            " and (reviewed_by is null or (approved_by is not null and reviewed_by not in (created_by, approved_by)))",
            name="reviewed",
        ),
        Index(None, "organisation_id", "survivor_id"),
        Index(None, "recipient_id", "organisation_id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    recipient_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    purpose: Mapped[str]
    kind: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    reference: Mapped[str | None]
    """The mark of the order, or the section of the law; none for a vital interest, whose reason is sealed."""
    valid_until: Mapped[datetime]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]
    review: Mapped[str | None]


class LegalBasisReason(Base):
    """Why a vital interest is one, in words: what somebody wrote about her, sealed under her key as the text of a note is."""

    __tablename__ = "legal_basis_reasons"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "basis_id"),
        ForeignKeyConstraint(
            ["organisation_id", "basis_id", "survivor_id"],
            ["app.legal_bases.organisation_id", "app.legal_bases.id", "app.legal_bases.survivor_id"],
            name="fk_legal_basis_reasons_basis",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivor_keys.organisation_id", "app.survivor_keys.survivor_id"],
            name="fk_legal_basis_reasons_key",
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    basis_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    reason: Mapped[bytes]
    created_by: Mapped[UUID]
