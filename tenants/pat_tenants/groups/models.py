"""Self-help groups, their members and the book of savings and loans."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of


class GroupStatus(StrEnum):
    """The state of a self-help group."""

    FORMING = "FORMING"
    FORMED = "FORMED"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    GRADED = "GRADED"
    LINKED = "LINKED"
    BUSINESS = "BUSINESS"
    DORMANT = "DORMANT"
    DISSOLVED = "DISSOLVED"


class GroupPolicy(StrEnum):
    """Which rule of membership a group follows: ten to twenty members, or, for special groups, five and more (RBI)."""

    NORMAL = "NORMAL"
    SPECIAL = "SPECIAL"


class MemberRole(StrEnum):
    """The office of a member in her group."""

    MEMBER = "MEMBER"
    PRESIDENT = "PRESIDENT"
    SECRETARY = "SECRETARY"
    TREASURER = "TREASURER"


class EntryKind(StrEnum):
    """A line in the group's book."""

    SAVING = "SAVING"
    LOAN_OUT = "LOAN_OUT"
    REPAY_PRINCIPAL = "REPAY_PRINCIPAL"
    REPAY_INTEREST = "REPAY_INTEREST"


class SelfHelpGroup(Base):
    """A group of women, survivors and others alike, who save and lend together."""

    __tablename__ = "self_help_groups"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "name"),
        one_of("status", GroupStatus),
        one_of("policy", GroupPolicy),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    name: Mapped[str]
    status: Mapped[str]
    policy: Mapped[str]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.places.id"))
    formed_on: Mapped[date]
    created_by: Mapped[UUID]


class GroupMember(Base):
    """A member of a group. Nothing here, not even a key, tells a survivor from any other woman."""

    __tablename__ = "group_members"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "group_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "group_id"],
            ["app.self_help_groups.organisation_id", "app.self_help_groups.id"],
        ),
        one_of("role", MemberRole),
        Index(None, "organisation_id", "group_id", "joined_on", "id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    group_id: Mapped[UUID]
    role: Mapped[str]
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    created_by: Mapped[UUID]


class GroupMemberIdentity(Base):
    """The name of a member (field class I0), sealed under a key of her own."""

    __tablename__ = "group_member_identities"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "member_id"),
        ForeignKeyConstraint(
            ["organisation_id", "member_id"], ["app.group_members.organisation_id", "app.group_members.id"]
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID]
    member_id: Mapped[UUID]
    wrapped: Mapped[bytes]
    """Her data key, wrapped under the organisation's."""
    name: Mapped[bytes]
    created_by: Mapped[UUID]


class GroupEntry(Base):
    """One line in the book, in paise; corrections are further lines."""

    __tablename__ = "group_entries"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "group_id", "member_id"],
            ["app.group_members.organisation_id", "app.group_members.group_id", "app.group_members.id"],
        ),
        one_of("kind", EntryKind),
        CheckConstraint("amount_paise > 0", name="amount"),
        Index(None, "organisation_id", "group_id", "kind", postgresql_include=["amount_paise"]),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    group_id: Mapped[UUID]
    member_id: Mapped[UUID]
    kind: Mapped[str]
    amount_paise: Mapped[int] = mapped_column(BigInteger())
    entered_on: Mapped[date]
    created_by: Mapped[UUID]
