"""What is done with survivors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pat_platform.database.transaction import Transaction
from pat_platform.encryption.blind_index import BlindIndex
from pat_platform.encryption.envelope import Place
from pat_platform.encryption.key_ring import KeyRing
from pat_tenants.codes import new_code
from pat_tenants.htcds import Gender, MaritalStatus
from pat_tenants.survivors import rules
from pat_tenants.survivors.models import Survivor, SurvivorIdentity, SurvivorKey
from pat_tenants.vault import Vault

TABLE = "survivor_identities"


@dataclass(frozen=True)
class Identity:
    """Who she is, as far as it is known. Every value is sealed before it reaches the database."""

    first_name: str | None = None
    second_name: str | None = None
    alias: str | None = None
    birth_date: str | None = None
    phone: str | None = None
    address: str | None = None

    def __repr__(self) -> str:
        return "Identity(…)"


async def register_survivor(
    tx: Transaction,
    vault: Vault,
    *,
    gender: Gender,
    is_minor_at_intake: bool,
    marital_status: MaritalStatus | None = None,
    birth_year: int | None = None,
    primary_language: str | None = None,
    place_id: UUID | None = None,
    identity: Identity | None = None,
) -> Survivor:
    """Record a survivor, and apart from her record who she is.

    Raises Refused for a telephone number, a birth year or a language that is none.
    """
    ring = vault.ring(tx.organisation)
    survivor = await tx.add(
        Survivor(
            organisation_id=tx.organisation,
            id=uuid4(),
            code=new_code(),
            gender=gender,
            marital_status=marital_status,
            birth_year=rules.is_a_birth_year(birth_year, datetime.now(UTC).year),
            is_minor_at_intake=is_minor_at_intake,
            primary_language=rules.is_a_language(primary_language),
            place_id=place_id,
            created_by=tx.actor,
        )
    )
    key = await ring.add(survivor.id)
    await tx.add(
        SurvivorKey(
            organisation_id=tx.organisation, survivor_id=survivor.id, wrapped=key, created_by=tx.actor
        )
    )
    if identity is not None:
        index = await vault.phone_index(tx.organisation)
        await tx.add(_sealed(tx, ring, index, survivor.id, identity))
    return survivor


def _sealed(
    tx: Transaction, ring: KeyRing, index: BlindIndex, survivor_id: UUID, identity: Identity
) -> SurvivorIdentity:
    known: Mapping[str, str] = {
        column: rules.is_a_part_of_identity(column, text) for column, text in asdict(identity).items() if text
    }
    values = {
        column: ring.seal(Place(tx.organisation, TABLE, column, survivor_id), text)
        for column, text in known.items()
    }
    return SurvivorIdentity(
        organisation_id=tx.organisation,
        survivor_id=survivor_id,
        phone_index=index.phone(known["phone"]) if "phone" in known else None,
        created_by=tx.actor,
        **values,
    )
