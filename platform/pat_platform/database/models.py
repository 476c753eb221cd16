"""What every table shares: names of constraints, the base class, and which kind of table it is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase


class TableKind(StrEnum):
    """Stands as ``info={"kind": …}`` on every table; the catalogue lint and the renderer of policies read it."""

    TENANT = "tenant"
    """Rows of one organisation, keyed by ``organisation_id`` first, behind the fence."""
    REFERENCE = "reference"
    """Rows for the whole network: the directory, geography."""
    SECURITY = "security"
    """Sessions, logins, the trail: no application role has any privilege."""


NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {UUID: Uuid(), str: Text(), datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy reads it from the class


def one_of(column: str, codes: type[StrEnum]) -> CheckConstraint:
    """A named check that ``column`` holds one of the codes of an enumeration."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return CheckConstraint(f"{column} in ({listed})", name=column)


def all_of(column: str, codes: type[StrEnum]) -> CheckConstraint:
    """A named check that every element of the array ``column`` is one of the codes of an enumeration."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return CheckConstraint(f"{column} <@ array[{listed}]::text[]", name=column)
