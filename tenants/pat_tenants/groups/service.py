"""What is done with self-help groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.encryption.envelope import Place
from pat_platform.encryption.key_ring import KeyRing
from pat_tenants.groups import rules
from pat_tenants.groups.models import (
    EntryKind,
    GroupEntry,
    GroupMember,
    GroupMemberIdentity,
    GroupPolicy,
    GroupStatus,
    MemberRole,
    SelfHelpGroup,
)
from pat_tenants.vault import Vault


@dataclass(frozen=True)
class NewMember:
    """Somebody who joins: her name is sealed before it reaches the database."""

    name: str
    role: MemberRole = MemberRole.MEMBER

    def __repr__(self) -> str:
        return f"NewMember({self.role})"


@dataclass(frozen=True)
class NewEntry:
    """A line for the book: whose, what, how much, when."""

    member_id: UUID
    kind: EntryKind
    amount_paise: int
    entered_on: date


async def form_group(
    tx: Transaction,
    vault: Vault,
    *,
    name: str,
    policy: GroupPolicy,
    formed_on: date,
    members: Sequence[NewMember],
    status: GroupStatus = GroupStatus.FORMED,
    place_id: UUID | None = None,
) -> tuple[SelfHelpGroup, list[GroupMember]]:
    """Form a group with its first members. Raises Refused when there are too few or too many for its policy."""
    rules.may_be_formed_by(len(members), policy)
    group = await tx.add(
        SelfHelpGroup(
            organisation_id=tx.organisation,
            id=uuid4(),
            name=name,
            status=status,
            policy=policy,
            place_id=place_id,
            formed_on=formed_on,
            created_by=tx.actor,
        )
    )
    joined = await _join(tx, vault.ring(tx.organisation), group.id, members, formed_on)
    await trail.record(tx, "group.formed", [group.id], members=len(joined), policy=policy.value)
    return group, joined


async def _join(
    tx: Transaction, ring: KeyRing, group_id: UUID, members: Sequence[NewMember], joined_on: date
) -> list[GroupMember]:
    joined = [
        GroupMember(
            organisation_id=tx.organisation,
            id=uuid4(),
            group_id=group_id,
            role=new.role,
            joined_on=joined_on,
            created_by=tx.actor,
        )
        for new in members
    ]
    await tx.add_all(joined)
    await tx.add_all(
        [await _named(tx, ring, member, new.name) for member, new in zip(joined, members, strict=True)]
    )
    return joined


async def _named(tx: Transaction, ring: KeyRing, member: GroupMember, name: str) -> GroupMemberIdentity:
    place = Place(tx.organisation, "group_member_identities", "name", member.id)
    return GroupMemberIdentity(
        organisation_id=tx.organisation,
        member_id=member.id,
        wrapped=await ring.add(member.id),
        name=ring.seal(place, name),
        created_by=tx.actor,
    )


async def enter_book(tx: Transaction, *, group_id: UUID, entries: Sequence[NewEntry]) -> list[GroupEntry]:
    """Write lines into the group's book. Raises Refused for an amount that is not positive."""
    rules.may_be_entered([entry.amount_paise for entry in entries])
    written = [
        GroupEntry(
            organisation_id=tx.organisation,
            id=uuid4(),
            group_id=group_id,
            member_id=entry.member_id,
            kind=entry.kind,
            amount_paise=entry.amount_paise,
            entered_on=entry.entered_on,
            created_by=tx.actor,
        )
        for entry in entries
    ]
    await tx.add_all(written)
    await trail.record(tx, "group.book_entered", [group_id], lines=len(written))
    return written
