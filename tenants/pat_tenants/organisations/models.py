"""The directory of organisations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of
from pat_tenants.htcds import OrganisationType


class OrganisationKind(StrEnum):
    """The part an organisation plays in the network."""

    CBO = "CBO"
    SECRETARIAT = "SECRETARIAT"
    DESTINATION = "DESTINATION"
    SUPPORT = "SUPPORT"
    FUNDER = "FUNDER"


class Organisation(Base):
    """One partner. The row holds nothing about any survivor: it is the directory that everyone may be shown."""

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("slug"),
        one_of("kind", OrganisationKind),
        one_of("htcds_type", OrganisationType),
        {"schema": "app", "info": {"kind": TableKind.REFERENCE}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    kind: Mapped[str]
    htcds_type: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
