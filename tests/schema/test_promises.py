"""What a column is declared never to be: NULL. The catalogue says the same, so an answer need not look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.schema.test_codes import TABLES
from tests.support.wall import Wall

from pat_platform.engine.declare import Column
from pat_schema.root import declarations

SOURCES = TABLES | {
    "Agreement": "app.agreements",
    "Access": "trail.events",
    "AuditEvent": "trail.events",
    "CaseAssignment": "app.case_assignments",
    "ClientKey": "app.client_keys",
    "Invitation": "app.invitations",
    "Me": "app.memberships",
    "Member": "app.memberships",
    "OurSuspension": "app.partner_suspensions",
    "PartnerEvent": "trail.events",
    "SafetyHold": "app.safety_holds",
    "Session": "sec.sessions",
}
COMPUTED = {
    ("Access", "classes"),
    ("Access", "kind"),
    ("Alert", "is_open"),
    ("Agreement", "our_scopes"),
    ("Agreement", "partner_name"),
    ("Agreement", "partner_state"),
    ("Agreement", "status"),
    ("Agreement", "their_scopes"),
    ("AuditEvent", "classes"),
    ("CaseCount", "count"),
    ("ReferralStep", "side"),
    ("ReferralStep", "status"),
    ("ReferralCount", "count"),
    ("ReferralCount", "status"),
    ("ClientKey", "is_believed"),
    ("Consent", "is_live"),
    ("Consent", "recipient"),
    ("Invitation", "is_open"),
    ("Label", "enum"),
    ("Label", "label"),
    ("Label", "value"),
    ("LegalBasis", "is_live"),
    ("LegalBasis", "is_review_due"),
    ("LegalBasis", "recipient"),
    ("PartnerEvent", "classes"),
    ("NetworkReferral", "month"),
    ("NetworkReferral", "status"),
    ("NetworkReferralCount", "count"),
    ("NetworkReferralCount", "state"),
    ("NetworkReferralCount", "status"),
    ("Referral", "direction"),
    ("Referral", "status"),
    ("Session", "is_this"),
    ("ReferralChange", "cursor"),
    ("InboxStatus", "status"),
    ("InboxStatus", "count"),
    ("CourtDay", "side"),
    ("SharedCase", "pseudonym"),
    ("SharedCase", "expires_at"),
}
"""What a statement counts or decides, and no table holds."""


def promised() -> Iterator[tuple[str, str]]:
    """Type and column of everything that is declared never to be NULL."""
    for type_name, fields in declarations().fields.items():
        for declaration in fields.values():
            if isinstance(declaration, Column) and not declaration.nullable:
                yield type_name, declaration.name


@pytest.mark.parametrize(("type_name", "column"), sorted(set(promised()) - COMPUTED))
def test_a_column_that_is_promised_is_not_null(wall: Wall, type_name: str, column: str) -> None:
    found = wall.admin.execute(
        "select attnotnull from pg_attribute where attrelid = %s::regclass and attname = %s",
        (SOURCES[type_name], column),
    ).fetchall()
    assert found == [(True,)]
