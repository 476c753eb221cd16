"""Which tables and commands a permission opens. With POLICY and the reaches, this is all that policies.sql is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pat_auth.policy import Permission
from pat_tenants.hearings.arrangements import CHANGED


class Command(StrEnum):
    """What a policy allows on a table. Nothing is ever deleted by an application role."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"


@dataclass(frozen=True)
class Access:
    """One command on one table or door; ``columns`` narrows the grant, None means all."""

    command: Command
    table: str
    columns: tuple[str, ...] | None = None


def _reads(*tables: str) -> tuple[Access, ...]:
    return tuple(Access(Command.SELECT, table) for table in tables)


def _adds(*tables: str) -> tuple[Access, ...]:
    return tuple(Access(Command.INSERT, table) for table in tables)


def _changes(table: str, *columns: str) -> Access:
    return Access(Command.UPDATE, table, columns)


_MEMBER_COLUMNS = ("organisation_id", "id", "person_id", "role", "name", "started_at", "ended_at")

# When it was written is the database's to say.
_OF_REFERRAL = ("organisation_id", "id", "referral_organisation_id", "referral_id", "created_by")
_ASSIGNS = Access(Command.INSERT, "app.referral_assignments", (*_OF_REFERRAL, "membership_id"))

_ALERT_COLUMNS = ("organisation_id", "id", "survivor_id", "created_at", "kind", "is_raised")

# The database makes a client's id, and whose memberships it serves beyond its own organisation's is the operator's to say.
_CLIENT_COLUMNS = ("name", "redirect_uris", "logout_uris", "origins", "scopes")
_CLIENT = Access(
    Command.INSERT,
    "app.clients",
    ("organisation_id", "kind", *_CLIENT_COLUMNS, "created_by", "updated_by"),
)

# When it was said is the trigger's to say.
_CONFIRMED = ("remote_point", "has_coordinator", "support_person", "updated_by")
_CONFIRMS = Access(
    Command.INSERT,
    "app.hearing_confirmations",
    (
        *(
            "organisation_id",
            "hearing_id",
            "hearing_organisation_id",
            "referral_id",
            "case_id",
            "survivor_id",
        ),
        *(*_CONFIRMED, "created_by"),
    ),
)

_SUSPENDS = ("suspended_at", "updated_by", "updated_at")

# What an invitation's link carries is known to whom it was sent.
_INVITED = ("organisation_id", "id", "email", "name", "role", "expires_at", "created_by")
_INVITATION_COLUMNS = (*_INVITED, "created_at", "taken_up_at", "withdrawn_at")

_BASIS_COLUMNS = (
    *("organisation_id", "id", "survivor_id", "recipient_id", "purpose", "kind", "scopes", "reference"),
    *("valid_until", "created_by"),
)

ACCESS: Mapping[Permission, tuple[Access, ...]] = MappingProxyType(
    {
        Permission.ME_READ: (
            Access(Command.SELECT, "app.memberships", _MEMBER_COLUMNS),
            *_reads("app.replays"),
            *_adds("app.replays"),
            # What may be done with what: nobody's secret, and what the triggers ask in everybody's name.
            *_reads("app.transitions"),
        ),
        Permission.ORGANISATION_READ: _reads("app.organisations"),
        Permission.PLACE_READ: _reads("app.places"),
        Permission.MEMBER_READ: (Access(Command.SELECT, "app.memberships", _MEMBER_COLUMNS),),
        Permission.CASE_READ: _reads("app.cases", "app.survivors", "app.case_assignments"),
        Permission.CASE_OPEN: _adds(
            "app.survivors", "app.survivor_keys", "app.survivor_identities", "app.cases"
        ),
        Permission.CASE_UPDATE: (
            _changes(
                "app.cases",
                "status",
                "stage",
                "risk_level",
                "trafficking_status",
                "exploitation",
                "place_id",
                "closed_on",
                "version",
                "updated_by",
                "updated_at",
            ),
        ),
        Permission.CASE_ASSIGN: (
            *_adds("app.case_assignments"),
            _changes("app.case_assignments", "ended_at"),
        ),
        Permission.IDENTITY_READ: _reads("app.survivor_identities", "app.survivor_keys"),
        Permission.NOTE_READ: _reads("app.case_notes"),
        Permission.NOTE_TEXT_READ: _reads("app.case_note_texts", "app.survivor_keys"),
        Permission.NOTE_ADD: _adds("app.case_notes", "app.case_note_texts"),
        Permission.PROCEEDING_READ: _reads("app.legal_proceedings", "app.hearings"),
        Permission.PROCEEDING_RECORD: (
            *_adds("app.legal_proceedings", "app.hearings"),
            _changes("app.hearings", *CHANGED),
            _CONFIRMS,
            _changes("app.hearing_confirmations", *_CONFIRMED),
        ),
        Permission.HEARING_READ: _reads(
            "app.hearings",
            "app.legal_proceedings",
            "app.referrals",
            "app.referral_hearings",
            "app.hearing_confirmations",
            "door.sent_hearings",
            "door.received_referrals",
            "door.received_hearings",
            "door.received_confirmations",
        ),
        Permission.GROUP_READ: _reads("app.self_help_groups", "app.group_members", "app.group_entries"),
        Permission.GROUP_MEMBER_READ: _reads("app.group_member_identities"),
        Permission.GROUP_RECORD: _adds(
            "app.self_help_groups", "app.group_members", "app.group_member_identities", "app.group_entries"
        ),
        Permission.REFERRAL_READ: _reads(
            "app.referrals",
            "app.referral_steps",
            "door.received_steps",
            "app.referral_answers",
            "app.referral_hearings",
            "app.referral_updates",
            "app.referral_assignments",
            "app.hearing_confirmations",
            "app.referral_changes",
            "door.referral_states",
            "door.sent_answers",
            "door.sent_hearings",
            "door.sent_updates",
            "door.received_referrals",
            "door.received_proceedings",
            "door.received_hearings",
            "door.received_confirmations",
            "door.received_support",
            "door.received_cases",
            "door.received_identities",
            "door.received_contacts",
        ),
        Permission.REFERRAL_SEND: (
            *_adds("app.referrals"),
            _changes(
                "app.referrals",
                *(
                    "state",
                    "scopes",
                    "consent_id",
                    "basis_id",
                    "agreed_until",
                    "sent_at",
                    "ended_at",
                    "reason",
                ),
            ),
        ),
        Permission.REFERRAL_ANSWER: (
            *_adds("app.referral_answers", "app.referral_hearings"),
            _changes("app.referral_hearings", *CHANGED),
            Access(Command.INSERT, "app.referral_updates", (*_OF_REFERRAL, "kind", "happened_on")),
            _ASSIGNS,
        ),
        Permission.REFERRAL_ASSIGN: (_ASSIGNS,),
        Permission.NETWORK_READ: _reads("door.network_referrals"),
        Permission.AGREEMENT_READ: _reads("door.agreements"),
        Permission.AGREEMENT_SIGN: (
            *_reads("app.agreements", "door.agreements"),
            *_adds("app.agreements"),
            _changes("app.agreements", "scopes", "valid_from", "valid_until", *_SUSPENDS),
        ),
        Permission.AGREEMENT_SUSPEND: (
            *_reads("app.agreements", "door.agreements"),
            _changes("app.agreements", *_SUSPENDS),
        ),
        Permission.SUSPENSION_READ: _reads("app.partner_suspensions"),
        Permission.OUR_SUSPENSION_READ: _reads("door.our_suspensions"),
        Permission.PARTNER_SUSPEND: (
            *_reads("app.partner_suspensions"),
            Access(
                Command.INSERT,
                "app.partner_suspensions",
                ("organisation_id", "id", "partner_id", "reason", "created_by"),
            ),
        ),
        Permission.PARTNER_RESUME: (
            *_reads("app.partner_suspensions"),
            _changes("app.partner_suspensions", "lifted_at", "updated_by"),
        ),
        Permission.CONSENT_READ: _reads("app.consents", "app.consent_withdrawals"),
        Permission.CONSENT_GIVE: _adds("app.consents"),
        # Who still is a child, and whose guardian is asked, is told by what is known of her.
        Permission.CONSENT_RECORD: (
            *_reads("app.consents", "app.consent_withdrawals", "app.barred_guardians"),
            *_adds("app.consents"),
        ),
        Permission.CONSENT_WITHDRAW: (
            *_reads("app.consents", "app.consent_withdrawals"),
            *_adds("app.consent_withdrawals"),
            Access(
                Command.INSERT, "app.alerts", ("organisation_id", "id", "survivor_id", "kind", "is_raised")
            ),
        ),
        Permission.GUARDIAN_BAR: (*_reads("app.barred_guardians"), *_adds("app.barred_guardians")),
        Permission.BASIS_READ: _reads("app.legal_bases"),
        Permission.BASIS_REASON_READ: _reads("app.legal_basis_reasons"),
        Permission.BASIS_RECORD: (
            Access(Command.INSERT, "app.legal_bases", _BASIS_COLUMNS),
            *_adds("app.legal_basis_reasons"),
        ),
        # What it allows is nobody's to change, and the moments are the trigger's.
        Permission.BASIS_APPROVE: (_changes("app.legal_bases", "approved_by"),),
        Permission.BASIS_END: (_changes("app.legal_bases", "ended_by"),),
        Permission.BASIS_REVIEW: (_changes("app.legal_bases", "reviewed_by", "review"),),
        Permission.ALERT_READ: (
            Access(Command.SELECT, "app.alerts", _ALERT_COLUMNS),
            *_reads("app.alert_closings"),
        ),
        Permission.ALERT_CLOSE: (
            Access(
                Command.INSERT, "app.alert_closings", ("organisation_id", "alert_id", "because", "created_by")
            ),
        ),
        # The functions make the link; they ask who may.
        Permission.SURVIVOR_INVITE: _reads("app.survivors"),
        Permission.AUDIT_READ: _reads("door.organisation_events", "door.own_events", "door.network_events"),
        Permission.PARTNER_AUDIT_READ: _reads("door.partner_events"),
        Permission.ACCESS_LOG_READ: _reads("door.access_log"),
        Permission.SAFETY_HOLD_READ: _reads("app.safety_holds"),
        Permission.SAFETY_HOLD_SET: (
            Access(
                Command.INSERT, "app.safety_holds", ("organisation_id", "id", "survivor_id", "created_by")
            ),
            _changes("app.safety_holds", "lifted_at", "updated_by"),
        ),
        # Her sessions are the functions' to list and to end; she must be somebody to ask them.
        Permission.ME_SIGN_OUT: (Access(Command.SELECT, "app.memberships", _MEMBER_COLUMNS),),
        Permission.CLIENT_READ: _reads("app.clients", "app.client_keys"),
        Permission.CLIENT_REGISTER: (
            _CLIENT,
            _changes("app.clients", *_CLIENT_COLUMNS, "version", "updated_by", "updated_at", "disabled_at"),
            *_adds("app.client_keys"),
            _changes("app.client_keys", "retired_at"),
        ),
        Permission.INVITATION_READ: (Access(Command.SELECT, "app.invitations", _INVITATION_COLUMNS),),
        Permission.MEMBER_INVITE: (
            Access(Command.INSERT, "app.invitations", (*_INVITED, "token_hash")),
            _changes("app.invitations", "withdrawn_at"),
        ),
        # Whose membership ends, with all that hangs on it, is the function's to do.
        Permission.MEMBER_END: (Access(Command.SELECT, "app.memberships", _MEMBER_COLUMNS),),
    }
)
