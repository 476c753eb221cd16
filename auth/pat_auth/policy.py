"""Who may do what, to which rows. The only place where a permission is written.

Python reads this table to answer "may you ask this?"; PostgreSQL's grants and policies, rendered from the same table, answer
"about which rows?". A role that a line does not name has nothing. Roles follow domain terms of the network; the sources of
each line are the matrix and the field classes that the organisations agreed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person acts as. Spelled so in tokens and logins, with ``pat_`` before it in PostgreSQL, upper case in GraphQL."""

    ORGANISATION_ADMIN = "organisation_admin"
    CASE_MANAGER = "case_manager"
    SOCIAL_WORKER = "social_worker"
    COUNSELLOR = "counsellor"
    LEGAL_AID = "legal_aid"
    SHG_FACILITATOR = "shg_facilitator"
    MIS_FOCAL = "mis_focal"
    SURVIVOR = "survivor"
    SECRETARIAT_ADMIN = "secretariat_admin"
    SECRETARIAT_ANALYST = "secretariat_analyst"
    AUDITOR = "auditor"
    DESTINATION_ADMIN = "destination_admin"
    DESTINATION_WORKER = "destination_worker"
    FUNDER = "funder"
    PLATFORM_OPERATOR = "platform_operator"
    SERVICE = "service"


class Reach(StrEnum):
    """Which rows a permission covers. What each means in SQL stands in ``pat_tenants.isolation.reach``."""

    SELF = "self"
    """What is about me as a person: my membership, my session."""
    OWN = "own"
    """What is about me as a survivor."""
    ASSIGNED = "assigned"
    """Of our organisation, and assigned to me."""
    ORGANISATION = "organisation"
    """Of our organisation."""
    RECEIVED = "received"
    """Of another organisation, through the door of a live referral to ours."""
    NETWORK = "network"
    """What everyone in the network who may ask may see: the directory, geography."""


class Permission(StrEnum):
    """What may be asked. GraphQL root fields name one each, in the ``@requires`` directive."""

    ME_READ = "me:read"
    ORGANISATION_READ = "organisation:read"
    PLACE_READ = "place:read"
    MEMBER_READ = "member:read"
    CASE_READ = "case:read"
    CASE_OPEN = "case:open"
    CASE_UPDATE = "case:update"
    CASE_ASSIGN = "case:assign"
    IDENTITY_READ = "identity:read"
    NOTE_READ = "note:read"
    NOTE_TEXT_READ = "note_text:read"
    NOTE_ADD = "note:add"
    PROCEEDING_READ = "proceeding:read"
    PROCEEDING_RECORD = "proceeding:record"
    GROUP_READ = "group:read"
    GROUP_MEMBER_READ = "group_member:read"
    GROUP_RECORD = "group:record"
    REFERRAL_READ = "referral:read"
    REFERRAL_SEND = "referral:send"
    REFERRAL_ANSWER = "referral:answer"


def grant(**reach_by_role: Reach) -> Mapping[Role, Reach]:
    """One line of the table: the roles that have the permission, and how far it reaches for each."""
    return MappingProxyType({Role(name): reach for name, reach in reach_by_role.items()})


def everyone(reach: Reach, **others: Reach) -> Mapping[Role, Reach]:
    """Every role, at ``reach``, save those that are named with another."""
    return MappingProxyType({role: others.get(role.value, reach) for role in Role})


_SELF, _OWN, _ASSIGNED = Reach.SELF, Reach.OWN, Reach.ASSIGNED
_ORGANISATION, _RECEIVED, _NETWORK = Reach.ORGANISATION, Reach.RECEIVED, Reach.NETWORK

# fmt: off
POLICY: Mapping[Permission, Mapping[Role, Reach]] = MappingProxyType({
    Permission.ME_READ:           everyone(_SELF),
    Permission.ORGANISATION_READ: everyone(_NETWORK, destination_admin=_ORGANISATION, destination_worker=_ORGANISATION,
                                           funder=_ORGANISATION, service=_ORGANISATION),
    Permission.PLACE_READ:        everyone(_NETWORK),
    Permission.MEMBER_READ:       grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION, counsellor=_ORGANISATION, legal_aid=_ORGANISATION,
                                        shg_facilitator=_ORGANISATION, mis_focal=_ORGANISATION, survivor=_OWN, secretariat_admin=_ORGANISATION,
                                        destination_admin=_ORGANISATION, destination_worker=_ORGANISATION),
    Permission.CASE_READ:         grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION, counsellor=_ASSIGNED, legal_aid=_ASSIGNED, survivor=_OWN),
    Permission.CASE_OPEN:         grant(case_manager=_ORGANISATION),
    Permission.CASE_UPDATE:       grant(case_manager=_ORGANISATION, social_worker=_ASSIGNED),
    Permission.CASE_ASSIGN:       grant(case_manager=_ORGANISATION),
    Permission.IDENTITY_READ:     grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ASSIGNED, counsellor=_ASSIGNED, legal_aid=_ASSIGNED, survivor=_OWN),
    Permission.NOTE_READ:         grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION),
    Permission.NOTE_TEXT_READ:    grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ASSIGNED),
    Permission.NOTE_ADD:          grant(case_manager=_ORGANISATION, social_worker=_ASSIGNED),
    Permission.PROCEEDING_READ:   grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION, legal_aid=_ASSIGNED, survivor=_OWN),
    Permission.PROCEEDING_RECORD: grant(case_manager=_ORGANISATION, social_worker=_ASSIGNED, legal_aid=_ASSIGNED),
    Permission.GROUP_READ:        grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION, shg_facilitator=_ORGANISATION),
    Permission.GROUP_MEMBER_READ: grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, shg_facilitator=_ORGANISATION),
    Permission.GROUP_RECORD:      grant(shg_facilitator=_ORGANISATION),
    Permission.REFERRAL_READ:     grant(organisation_admin=_ORGANISATION, case_manager=_ORGANISATION, social_worker=_ORGANISATION, legal_aid=_ASSIGNED, survivor=_OWN,
                                        destination_admin=_RECEIVED, destination_worker=_RECEIVED),
    Permission.REFERRAL_SEND:     grant(case_manager=_ORGANISATION),
    Permission.REFERRAL_ANSWER:   grant(destination_admin=_RECEIVED, destination_worker=_RECEIVED),
})
# fmt: on


def reach_of(role: Role, permission: Permission) -> Reach | None:
    """How far ``permission`` reaches for ``role``; None when the role does not have it."""
    return POLICY[permission].get(role)
