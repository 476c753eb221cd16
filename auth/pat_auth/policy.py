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
    HEARING_READ = "hearing:read"
    GROUP_READ = "group:read"
    GROUP_MEMBER_READ = "group_member:read"
    GROUP_RECORD = "group:record"
    REFERRAL_READ = "referral:read"
    REFERRAL_SEND = "referral:send"
    REFERRAL_ANSWER = "referral:answer"
    REFERRAL_ASSIGN = "referral:assign"
    NETWORK_READ = "network:read"
    AGREEMENT_READ = "agreement:read"
    AGREEMENT_SIGN = "agreement:sign"
    AGREEMENT_SUSPEND = "agreement:suspend"
    SUSPENSION_READ = "suspension:read"
    OUR_SUSPENSION_READ = "our_suspension:read"
    PARTNER_SUSPEND = "partner:suspend"
    PARTNER_RESUME = "partner:resume"
    CONSENT_READ = "consent:read"
    CONSENT_GIVE = "consent:give"
    CONSENT_RECORD = "consent:record"
    CONSENT_WITHDRAW = "consent:withdraw"
    GUARDIAN_BAR = "guardian:bar"
    BASIS_READ = "basis:read"
    BASIS_REASON_READ = "basis_reason:read"
    BASIS_RECORD = "basis:record"
    BASIS_APPROVE = "basis:approve"
    BASIS_END = "basis:end"
    BASIS_REVIEW = "basis:review"
    ALERT_READ = "alert:read"
    ALERT_CLOSE = "alert:close"
    SURVIVOR_INVITE = "survivor:invite"
    AUDIT_READ = "audit:read"
    PARTNER_AUDIT_READ = "partner_audit:read"
    ACCESS_LOG_READ = "access_log:read"
    SAFETY_HOLD_READ = "safety_hold:read"
    SAFETY_HOLD_SET = "safety_hold:set"
    ME_SIGN_OUT = "me:sign_out"
    CLIENT_READ = "client:read"
    CLIENT_REGISTER = "client:register"
    INVITATION_READ = "invitation:read"
    MEMBER_INVITE = "member:invite"
    MEMBER_END = "member:end"


def grant(**roles_by_reach: str) -> Mapping[Role, Reach]:
    """One line of the table: for each reach the roles that have the permission so far, their names divided by spaces."""
    return MappingProxyType(
        {Role(role): Reach(reach) for reach, roles in roles_by_reach.items() for role in roles.split()}
    )


def everyone(reach: Reach, **others: str) -> Mapping[Role, Reach]:
    """Every role at ``reach``, save those that are named at another."""
    return MappingProxyType({**dict.fromkeys(Role, reach), **grant(**others)})


# fmt: off
POLICY: Mapping[Permission, Mapping[Role, Reach]] = MappingProxyType({
    Permission.ME_READ:            everyone(Reach.SELF),
    Permission.ORGANISATION_READ:  everyone(Reach.NETWORK, organisation="destination_admin destination_worker funder service"),
    Permission.PLACE_READ:         everyone(Reach.NETWORK),
    Permission.MEMBER_READ:        grant(organisation="organisation_admin case_manager social_worker counsellor legal_aid"
                                                      " shg_facilitator mis_focal secretariat_admin destination_admin destination_worker",
                                         own="survivor"),
    Permission.CASE_READ:          grant(organisation="organisation_admin case_manager social_worker",
                                         assigned="counsellor legal_aid", own="survivor"),
    Permission.CASE_OPEN:          grant(organisation="case_manager"),
    Permission.CASE_UPDATE:        grant(organisation="case_manager", assigned="social_worker"),
    Permission.CASE_ASSIGN:        grant(organisation="case_manager"),
    Permission.IDENTITY_READ:      grant(organisation="organisation_admin case_manager",
                                         assigned="social_worker counsellor legal_aid", own="survivor"),
    Permission.NOTE_READ:          grant(organisation="organisation_admin case_manager social_worker"),
    Permission.NOTE_TEXT_READ:     grant(organisation="organisation_admin case_manager", assigned="social_worker"),
    Permission.NOTE_ADD:           grant(organisation="case_manager", assigned="social_worker"),
    Permission.PROCEEDING_READ:    grant(organisation="organisation_admin case_manager social_worker",
                                         assigned="legal_aid", own="survivor"),
    Permission.PROCEEDING_RECORD:  grant(organisation="case_manager", assigned="social_worker legal_aid"),
    Permission.GROUP_READ:         grant(organisation="organisation_admin case_manager social_worker shg_facilitator"),
    Permission.GROUP_MEMBER_READ:  grant(organisation="organisation_admin case_manager shg_facilitator"),
    Permission.GROUP_RECORD:       grant(organisation="shg_facilitator"),
    Permission.REFERRAL_READ:      grant(organisation="organisation_admin case_manager social_worker",
                                         assigned="legal_aid", own="survivor", received="destination_admin destination_worker"),
    Permission.REFERRAL_SEND:      grant(organisation="case_manager"),
    Permission.REFERRAL_ANSWER:    grant(received="destination_admin destination_worker"),
    Permission.REFERRAL_ASSIGN:    grant(received="destination_admin"),
    Permission.NETWORK_READ:       grant(network="secretariat_admin secretariat_analyst auditor"),
    Permission.HEARING_READ:       grant(organisation="organisation_admin case_manager social_worker",
                                         assigned="legal_aid", own="survivor", received="destination_admin destination_worker"),
    Permission.AGREEMENT_READ:     grant(organisation="organisation_admin case_manager social_worker legal_aid"
                                                      " destination_admin destination_worker"),
    Permission.AGREEMENT_SIGN:     grant(organisation="organisation_admin destination_admin"),
    Permission.AGREEMENT_SUSPEND:  grant(organisation="organisation_admin destination_admin"),
    Permission.SUSPENSION_READ:    grant(organisation="secretariat_admin auditor"),
    Permission.OUR_SUSPENSION_READ: grant(organisation="organisation_admin destination_admin"),
    Permission.PARTNER_SUSPEND:    grant(organisation="secretariat_admin"),
    Permission.PARTNER_RESUME:     grant(organisation="secretariat_admin"),
    Permission.CONSENT_READ:       grant(organisation="organisation_admin case_manager",
                                         assigned="social_worker legal_aid", own="survivor"),
    Permission.CONSENT_GIVE:       grant(own="survivor"),
    Permission.CONSENT_RECORD:     grant(organisation="case_manager", assigned="social_worker"),
    Permission.CONSENT_WITHDRAW:   grant(organisation="case_manager", assigned="social_worker", own="survivor"),
    Permission.GUARDIAN_BAR:       grant(organisation="case_manager", assigned="social_worker"),
    Permission.BASIS_READ:         grant(organisation="organisation_admin case_manager",
                                         assigned="social_worker legal_aid", own="survivor"),
    Permission.BASIS_REASON_READ:  grant(organisation="organisation_admin case_manager"),
    Permission.BASIS_RECORD:       grant(organisation="case_manager"),
    Permission.BASIS_APPROVE:      grant(organisation="organisation_admin case_manager"),
    Permission.BASIS_END:          grant(organisation="organisation_admin case_manager"),
    Permission.BASIS_REVIEW:       grant(organisation="organisation_admin"),
    Permission.ALERT_READ:         grant(organisation="case_manager"),
    Permission.ALERT_CLOSE:        grant(organisation="case_manager"),
    Permission.SURVIVOR_INVITE:    grant(organisation="case_manager"),
    Permission.AUDIT_READ:         grant(organisation="organisation_admin destination_admin", network="secretariat_admin auditor",
                                         self="case_manager social_worker counsellor legal_aid shg_facilitator mis_focal"
                                              " destination_worker"),
    Permission.PARTNER_AUDIT_READ: grant(organisation="organisation_admin case_manager"),
    Permission.ACCESS_LOG_READ:    grant(own="survivor"),
    Permission.SAFETY_HOLD_READ:   grant(organisation="organisation_admin case_manager", assigned="social_worker"),
    Permission.SAFETY_HOLD_SET:    grant(organisation="case_manager"),
    Permission.ME_SIGN_OUT:        everyone(Reach.SELF),
    Permission.CLIENT_READ:        grant(organisation="organisation_admin secretariat_admin destination_admin"),
    Permission.CLIENT_REGISTER:    grant(organisation="organisation_admin secretariat_admin destination_admin"),
    Permission.INVITATION_READ:    grant(organisation="organisation_admin secretariat_admin destination_admin"),
    Permission.MEMBER_INVITE:      grant(organisation="organisation_admin secretariat_admin destination_admin"),
    Permission.MEMBER_END:         grant(organisation="organisation_admin secretariat_admin destination_admin"),
})
# fmt: on

STEP_UP = frozenset(
    {
        Permission.AGREEMENT_SIGN,
        Permission.CLIENT_REGISTER,
        Permission.MEMBER_INVITE,
        Permission.MEMBER_END,
        Permission.PARTNER_RESUME,
        Permission.SURVIVOR_INVITE,
    }
)
"""What opens a way in for others, or closes theirs: only with a second factor proved lately."""

NEEDS_SECOND_FACTOR = frozenset(Role) - {Role.SURVIVOR, Role.SERVICE}
"""Roles that nobody acts in without a second factor. Survivors read only their own; a machine proves itself with its key."""


def reach_of(role: Role, permission: Permission) -> Reach | None:
    """How far ``permission`` reaches for ``role``; None when the role does not have it."""
    return POLICY[permission].get(role)
