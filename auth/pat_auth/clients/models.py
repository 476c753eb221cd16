"""The programs that organisations have registered, and their keys."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pat_auth.scopes import SCOPES
from pat_platform.database.models import Base, TableKind, one_of


class ClientKind(StrEnum):
    """How a client shows that it is itself, and for whom it asks."""

    PUBLIC = "PUBLIC"
    """A page or an app in somebody's hand: it keeps no secret, PKCE alone binds it."""
    CONFIDENTIAL = "CONFIDENTIAL"
    """A server, which signs with a key of its own; people sign in through it."""
    MACHINE = "MACHINE"
    """A server that acts for nobody but its organisation."""


class Serves(StrEnum):
    """Whose memberships a client may be used with."""

    ORGANISATION = "ORGANISATION"
    NETWORK = "NETWORK"
    """Of every organisation. No application role can say so: it is the operator's to decide."""


_LISTED = ", ".join(f"'{scope}'" for scope in sorted(SCOPES))


class Client(Base):
    """One program of one organisation, with all that it may ask for at most.

    The database makes its id: an organisation that could choose one could take another's.
    """

    __tablename__ = "clients"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        one_of("kind", ClientKind),
        one_of("serves", Serves),
        CheckConstraint(f"scopes <@ array[{_LISTED}]::text[]", name="scopes"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    name: Mapped[str]
    kind: Mapped[str]
    serves: Mapped[str] = mapped_column(server_default=Serves.ORGANISATION.value)
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    logout_uris: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    origins: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    disabled_at: Mapped[datetime | None]


class ClientKey(Base):
    """A public key (RFC 7517) of a client: what it signs with is believed until the key is retired."""

    __tablename__ = "client_keys"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "client_id"],
            ["app.clients.organisation_id", "app.clients.id"],
            name="fk_client_keys_client",
        ),
        UniqueConstraint("organisation_id", "client_id", "kid"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    client_id: Mapped[UUID]
    kid: Mapped[str]
    jwk: Mapped[dict[str, Any]] = mapped_column(JSONB())
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]
