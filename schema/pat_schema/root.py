"""The table of contents: what may be asked and done, and the schema that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from pat_auth.clients import reads as clients
from pat_auth.members import reads as members
from pat_auth.policy import Permission
from pat_platform.engine.declare import Declaration, DeferredRow, NodeById, Row
from pat_platform.engine.registry import Declarations, TypeRule
from pat_schema.agreements import AgreementMutation, AgreementQuery
from pat_schema.alerts import AlertMutation, AlertQuery
from pat_schema.bases import BasisMutation, BasisQuery
from pat_schema.calendar import CalendarQuery, ReportMutation
from pat_schema.cases import CaseMutation, CaseQuery
from pat_schema.clients import ClientMutation, ClientQuery
from pat_schema.consents import ConsentMutation, ConsentQuery
from pat_schema.declaring import DECLARATION, declared
from pat_schema.declaring import reads as read_by
from pat_schema.groups import GroupQuery
from pat_schema.hearings import HearingMutation
from pat_schema.labels import LabelQuery
from pat_schema.links import LinkMutation
from pat_schema.members import MemberMutation, MemberQuery
from pat_schema.network import NetworkQuery
from pat_schema.node import Node
from pat_schema.notes import NoteMutation
from pat_schema.organisations import OrganisationQuery
from pat_schema.problems import Conflict, Refusal, Withheld
from pat_schema.referral_counts import ReferralCountQuery
from pat_schema.referral_events import ReferralSubscription
from pat_schema.referral_work import ReferralWorkMutation
from pat_schema.referrals import ReferralMutation, ReferralQuery
from pat_schema.scalars import SCALARS
from pat_schema.sessions import SessionMutation
from pat_schema.sharing import receives
from pat_schema.survivors import SurvivorQuery
from pat_schema.suspensions import SuspensionMutation, SuspensionQuery
from pat_schema.trail import SafetyHoldMutation, TrailQuery
from pat_tenants.agreements import reads as agreements
from pat_tenants.alerts import reads as alerts
from pat_tenants.bases import reads as bases
from pat_tenants.cases import reads as cases
from pat_tenants.consents import reads as consents
from pat_tenants.groups import reads as groups
from pat_tenants.hearings import reads as hearings
from pat_tenants.organisations import reads as organisations
from pat_tenants.places import reads as places
from pat_tenants.referrals import reads as referrals
from pat_tenants.survivors import reads as survivors
from pat_tenants.suspensions import reads as suspensions


@strawberry.type(description="What may be asked.")
class Query(
    CaseQuery,
    SurvivorQuery,
    GroupQuery,
    ReferralQuery,
    ReferralCountQuery,
    NetworkQuery,
    CalendarQuery,
    AgreementQuery,
    SuspensionQuery,
    ConsentQuery,
    BasisQuery,
    OrganisationQuery,
    ClientQuery,
    AlertQuery,
    MemberQuery,
    TrailQuery,
    LabelQuery,
):
    """All root fields that read."""

    @read_by(NodeById(), requires=Permission.ME_READ)
    def node(self, id: strawberry.ID) -> Node | None:
        """Whatever has this id, of the types that the caller may read; null for an id that is unknown to her."""
        declared()


@strawberry.type(description="What may be waited for, over a WebSocket or as a stream of events.")
class Subscription(ReferralSubscription):
    """All root fields whose answers come whenever something has changed."""


@strawberry.type(description="What may be done.")
class Mutation(
    AgreementMutation,
    AlertMutation,
    BasisMutation,
    CaseMutation,
    ClientMutation,
    ConsentMutation,
    HearingMutation,
    LinkMutation,
    MemberMutation,
    NoteMutation,
    ReferralMutation,
    ReferralWorkMutation,
    ReportMutation,
    SafetyHoldMutation,
    SessionMutation,
    SuspensionMutation,
):
    """All root fields that write."""


# Objects found by id need the permission that their root field needs.
TYPES = {
    "Case": TypeRule(requires=Permission.CASE_READ),
    "Survivor": TypeRule(requires=Permission.CASE_READ),
    "SelfHelpGroup": TypeRule(requires=Permission.GROUP_READ),
    "Referral": TypeRule(requires=Permission.REFERRAL_READ),
    "Organisation": TypeRule(requires=Permission.ORGANISATION_READ),
    "Place": TypeRule(requires=Permission.PLACE_READ),
    "CaseNote": TypeRule(requires=Permission.NOTE_READ),
    "LegalProceeding": TypeRule(requires=Permission.PROCEEDING_READ),
    "Client": TypeRule(requires=Permission.CLIENT_READ),
    "Invitation": TypeRule(requires=Permission.INVITATION_READ),
    "Alert": TypeRule(requires=Permission.ALERT_READ),
    "Agreement": TypeRule(requires=Permission.AGREEMENT_READ),
    "PartnerSuspension": TypeRule(requires=Permission.SUSPENSION_READ),
    "Consent": TypeRule(requires=Permission.CONSENT_READ),
    "LegalBasis": TypeRule(requires=Permission.BASIS_READ),
    "Hearing": TypeRule(requires=Permission.PROCEEDING_READ),
    "ReferralHearing": TypeRule(requires=Permission.HEARING_READ),
    "SharedLegalStatus": TypeRule(audits=referrals.LEGAL_STATUS_READ),
    "SharedSchedule": TypeRule(audits=hearings.SCHEDULE_READ),
    "SharedIdentity": TypeRule(audits=referrals.IDENTITY_READ),
    "SharedContact": TypeRule(audits=referrals.IDENTITY_READ),
    "SharedRisk": TypeRule(audits=referrals.RISK_READ),
}

ROWS: dict[str, Row | DeferredRow] = {
    "Case": cases.CASE,
    "Survivor": survivors.SURVIVOR,
    "SelfHelpGroup": groups.GROUP,
    "Referral": DeferredRow(
        lambda viewer: referrals.RECEIVED_ROW if receives(viewer) else referrals.SENT_ROW,
        (referrals.SENT_ROW, referrals.RECEIVED_ROW),
    ),
    "Organisation": organisations.ORGANISATION,
    "Place": places.PLACE,
    "CaseNote": cases.NOTE,
    "LegalProceeding": cases.PROCEEDING,
    "Client": clients.CLIENT,
    "Invitation": members.INVITATION,
    "Alert": alerts.ALERT,
    "Agreement": agreements.AGREEMENT,
    "PartnerSuspension": suspensions.SUSPENSION,
    "Consent": consents.CONSENT,
    "LegalBasis": bases.BASIS,
    "Member": organisations.MEMBER,
    "Hearing": hearings.HEARING_ROW,
    "ReferralHearing": DeferredRow(
        lambda viewer: hearings.RECEIVED_ROW if receives(viewer) else hearings.SENT_ROW,
        (hearings.SENT_ROW, hearings.RECEIVED_ROW),
    ),
}

schema = strawberry.Schema(
    Query,
    Mutation,
    Subscription,
    types=[Refusal, Conflict, Withheld],
    config=StrawberryConfig(scalar_map=SCALARS),
    scalar_overrides=None,
)


@cache
def graphql_schema() -> GraphQLSchema:
    """The schema as graphql-core has it: one in a process."""
    return schema._schema


def declarations() -> Declarations:
    """Where every field of every type is found."""
    found: dict[str, Mapping[str, Declaration]] = {}
    for name, kind in graphql_schema().type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            fields = {
                field_name: declaration
                for field_name, field in kind.fields.items()
                if (declaration := _declaration(field.extensions.get("strawberry-definition"))) is not None
            }
            if fields:
                found[name] = fields
    return Declarations(
        found,
        rows=ROWS,
        types=TYPES,
        constants={
            "Refusal",
            "Conflict",
            "Withheld",
            "SignedOut",
            "MembershipEnded",
            "SignInLink",
            "SignInLinkWithdrawn",
        },
    )


def _declaration(field: object) -> Declaration | None:
    declaration = field.metadata.get(DECLARATION) if isinstance(field, StrawberryField) else None
    return declaration if isinstance(declaration, Declaration) else None


def print_schema() -> str:
    """The SDL, as it is committed in ``schema/schema.graphql``."""
    return schema.as_str() + "\n"
