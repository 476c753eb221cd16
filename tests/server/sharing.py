"""What both sides of a referral say over HTTP: documents and inputs that tests of sharing have in common."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.server.conftest import Act, Caller, Network, uuid_in

from pat_tenants.consents.models import ConsentQuestion

SOON = timedelta(days=90)
SCOPES = ["LEGAL_STATUS", "HEARING_SCHEDULE"]
_REFERRAL = "__typename ... on Referral { id status allowedTransitions } ... on Refusal { code field }"
_CONSENT = "__typename ... on Consent { id giver mode scopes validUntil withdrawnAt isLive } ... on Refusal { code field }"
_BASIS = (
    "__typename ... on LegalBasis { id kind scopes reference reason { ... on BasisReason { text } ... on Withheld { reason } } validUntil"
    " approvedAt endedAt reviewedAt review isLive isReviewDue } ... on Refusal { code field }"
)
DOCUMENTS = {
    name: f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {selection} }} }}"
    for name, selection in (
        *(
            (name, _REFERRAL)
            for name in (
                *("draftReferral", "baseReferral", "moveReferral", "answerReferral"),
                *("reportHearing", "reportUpdate", "assignReferral", "takeReferral"),
            )
        ),
        *((name, _CONSENT) for name in ("giveConsent", "recordConsent", "withdrawConsent")),
        *(
            (name, "__typename ... on Agreement { id status scopes } ... on Refusal { code field }")
            for name in ("signAgreement", "suspendAgreement", "resumeAgreement")
        ),
        *((f"{verb}LegalBasis", _BASIS) for verb in ("record", "approve", "end", "review")),
        ("barGuardian", "__typename ... on Survivor { id isGuardianBarred } ... on Refusal { code field }"),
    )
}


def do(caller: Caller, mutation: str, **input: Any) -> dict[str, Any]:
    """What a mutation answers."""
    answer: dict[str, Any] = caller.ask(DOCUMENTS[mutation], input=input)[mutation]
    return answer


def global_id(kind: str, key: UUID) -> str:
    return b64encode(f"{kind}:{key}".encode()).decode()


def organisation(network: Network, slug: str) -> UUID:
    found: UUID = network.rows("select id from app.organisations where slug = %s", slug)[0][0]
    return found


def terms(network: Network, to: str, **changes: Any) -> dict[str, Any]:
    """What is agreed to; all questions answered with yes."""
    return terms_to(global_id("Organisation", organisation(network, to)), **changes)


def terms_to(recipient: str, **changes: Any) -> dict[str, Any]:
    """The same, for an organisation of which the id is known."""
    return {
        "recipientId": recipient,
        "purpose": "COURT_FOLLOW_UP",
        "scopes": SCOPES,
        "validUntil": (datetime.now(UTC) + SOON).isoformat(),
        "noticeVersion": "2026-11",
        "noticeLanguage": "bn",
        "agreed": [question.value for question in ConsentQuestion],
        **changes,
    }


@dataclass
class Sharing:
    """One survivor, her case manager, and the organisation that is asked."""

    network: Network
    act_as: Act
    slug: str = "cbo-b"
    number: int = 7
    to: str = "goa"

    @property
    def manager(self) -> Caller:
        return self.act_as(f"manager@{self.slug}.example")

    @property
    def worker(self) -> Caller:
        return self.act_as(f"worker@{self.to}.example")

    @property
    def survivor(self) -> Caller:
        return self.act_as(f"survivor{self.number}@{self.slug}.example")

    def case(self) -> tuple[UUID, UUID]:
        """Her case and herself."""
        (row,) = self.network.rows(
            "select c.id, c.survivor_id from sec.people p join app.memberships m on m.person_id = p.id"
            " join app.cases c on c.organisation_id = m.organisation_id and c.survivor_id = m.survivor_id where p.email = %s",
            f"survivor{self.number}@{self.slug}.example",
        )
        return row[0], row[1]

    def drafted(self) -> str:
        to = global_id("Organisation", organisation(self.network, self.to))
        case = global_id("Case", self.case()[0])
        answer = do(self.manager, "draftReferral", caseId=case, to=to, need="COURT_FOLLOW_UP", urgency="SOON")
        assert answer["status"] == "DRAFT", answer
        id: str = answer["id"]
        return id

    def agreed(self, **changes: Any) -> str:
        """A consent that she gives herself."""
        answer = do(self.survivor, "giveConsent", terms=terms(self.network, self.to, **changes))
        assert answer["__typename"] == "Consent", answer
        id: str = answer["id"]
        return id

    def sent(self, consent: str) -> str:
        referral = self.drafted()
        assert (
            do(self.manager, "baseReferral", id=referral, consentId=consent)["status"] == "CONSENT_RECORDED"
        )
        assert do(self.manager, "moveReferral", id=referral, to="SENT")["status"] == "SENT"
        return referral

    def received(self, referral: str) -> str:
        """The id under which the receiver knows it."""
        (row,) = self.network.rows("select received_id from app.referrals where id = %s", uuid_in(referral))
        return global_id("Referral", row[0])

    def seen(self, referral: str) -> dict[str, Any]:
        """What the receiver sees of it."""
        query = "query($id: ID!) { referral(id: $id) { status scopes partnerName agreedUntil allowedTransitions } }"
        answer: dict[str, Any] = self.worker.ask(query, id=self.received(referral))["referral"]
        return answer

    def status(self, referral: str) -> str:
        """What the sender sees of it."""
        query = "query($id: ID!) { referral(id: $id) { status } }"
        status: str = self.manager.ask(query, id=referral)["referral"]["status"]
        return status
