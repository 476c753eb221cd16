"""Who asks, as far as a plan depends on it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pat_auth.policy import POLICY, Permission, Reach, Role, reach_of
from pat_auth.scopes import SCOPES

_P = Permission

CEILING: Mapping[Permission, str | None] = MappingProxyType(
    {
        **dict.fromkeys((_P.ME_READ, _P.ORGANISATION_READ, _P.PLACE_READ, _P.MEMBER_READ)),
        **dict.fromkeys((_P.CASE_READ, _P.CASE_OPEN, _P.CASE_UPDATE, _P.CASE_ASSIGN), "cases"),
        **dict.fromkeys((_P.ALERT_READ, _P.ALERT_CLOSE), "cases"),
        **dict.fromkeys((_P.NOTE_READ, _P.NOTE_ADD, _P.PROCEEDING_READ, _P.PROCEEDING_RECORD), "cases"),
        _P.HEARING_READ: "cases",
        **dict.fromkeys((_P.IDENTITY_READ, _P.NOTE_TEXT_READ, _P.SURVIVOR_INVITE), "identity"),
        **dict.fromkeys((_P.GROUP_READ, _P.GROUP_MEMBER_READ, _P.GROUP_RECORD), "groups"),
        **dict.fromkeys((_P.REFERRAL_READ, _P.REFERRAL_SEND, _P.REFERRAL_ANSWER), "referrals"),
        **dict.fromkeys((_P.REFERRAL_ASSIGN, _P.NETWORK_READ), "referrals"),
        **dict.fromkeys((_P.AGREEMENT_READ, _P.CONSENT_READ, _P.CONSENT_GIVE), "referrals"),
        **dict.fromkeys((_P.CONSENT_RECORD, _P.CONSENT_WITHDRAW, _P.GUARDIAN_BAR), "referrals"),
        **dict.fromkeys((_P.BASIS_READ, _P.BASIS_RECORD, _P.BASIS_APPROVE), "referrals"),
        **dict.fromkeys((_P.BASIS_END, _P.BASIS_REVIEW), "referrals"),
        _P.BASIS_REASON_READ: "identity",
        **dict.fromkeys((_P.AGREEMENT_SIGN, _P.AGREEMENT_SUSPEND), "administration"),
        **dict.fromkeys(
            (_P.SUSPENSION_READ, _P.OUR_SUSPENSION_READ, _P.PARTNER_SUSPEND, _P.PARTNER_RESUME),
            "administration",
        ),
        **dict.fromkeys((_P.ACCESS_LOG_READ, _P.SAFETY_HOLD_READ, _P.SAFETY_HOLD_SET), "cases"),
        _P.PARTNER_AUDIT_READ: "referrals",
        _P.AUDIT_READ: "administration",
        _P.ME_SIGN_OUT: None,
        **dict.fromkeys(
            (_P.CLIENT_READ, _P.CLIENT_REGISTER, _P.INVITATION_READ, _P.MEMBER_INVITE, _P.MEMBER_END),
            "administration",
        ),
    }
)
"""The scope without which a client may not use a permission; None where any client may."""


@dataclass(frozen=True)
class Viewer:
    """A role behind a client's ceiling. Two people with the same role and client share their plans."""

    role: Role
    scopes: frozenset[str]

    def may(self, permission: Permission) -> bool:
        """Whether the role holds the permission and the client its scope; which rows it reaches is the database's to say."""
        scope = CEILING[permission]
        return self.role in POLICY[permission] and (scope is None or scope in self.scopes)

    def reach(self, permission: Permission) -> Reach | None:
        """How far a permission reaches for the role."""
        return reach_of(self.role, permission)

    @property
    def key(self) -> Hashable:
        """What plans are cached by. A scope that opens no field makes no other plan."""
        return (self.role, self.scopes & SCOPES)
