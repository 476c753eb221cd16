"""Geography of the source area and of the destination states."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of


class PlaceLevel(StrEnum):
    """The level of a place in the administrative order of India."""

    STATE = "STATE"
    DISTRICT = "DISTRICT"
    BLOCK = "BLOCK"
    MUNICIPALITY = "MUNICIPALITY"
    GRAM_PANCHAYAT = "GRAM_PANCHAYAT"
    VILLAGE = "VILLAGE"


class Place(Base):
    """One place, with its parent and the other spellings in use."""

    __tablename__ = "places"
    __table_args__ = (
        UniqueConstraint("level", "parent_id", "name", postgresql_nulls_not_distinct=True),
        one_of("level", PlaceLevel),
        {"schema": "app", "info": {"kind": TableKind.REFERENCE}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.places.id"))
    name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
